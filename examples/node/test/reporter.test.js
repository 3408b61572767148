// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace, Reporter } from '../tcpresume.js';
import { PlayedAgent } from './agent.js';

const settled = async (done) => {
  for (let i = 0; i < 1000 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(done(), 'did not happen');
};

test('reports are gathered, the latest of each connection, over one connection', async (t) => {
  const agent = await new PlayedAgent().start();
  t.after(() => agent.stop());
  const reporter = new Reporter({ socket: agent.socket, gather: 20 });
  reporter.report({ ev: 'tick', id: 'a', ip: '192.0.2.1', cwnd: 1 });
  reporter.report({ ev: 'tick', id: 'b', ip: '192.0.2.2', cwnd: 2n, ssthresh: 2n ** 64n - 1n, min_rtt_us: 12.6 });
  reporter.report({ ev: 'tick', id: 'a', ip: '192.0.2.1', cwnd: 3, lost: 0, cc: undefined });
  await settled(() => agent.batches.length === 1);
  const [{ url, type, reports }] = agent.batches;
  assert.equal(url, '/v1/reports');
  assert.equal(type, 'application/x-ndjson');
  for (const r of reports) assert.ok(r.age_ms >= 0 && delete r.age_ms);
  assert.deepEqual(reports, [
    { v: 1, ev: 'tick', id: 'b', ip: '192.0.2.2', cwnd: 2, min_rtt_us: 13 },
    { v: 1, ev: 'tick', id: 'a', ip: '192.0.2.1', cwnd: 3 },
  ]);
  reporter.report({ ev: 'close', id: 'a', ip: '192.0.2.1', cwnd: 4 }); // goes at once
  await settled(() => agent.batches.length === 2);
  assert.equal(agent.connections, 1);
  await reporter.close();
  assert.deepEqual(reporter.counts, { sent: 3, refused: 0, dropped: 0 });
});

test('an agent that is away costs nothing and is found again', async (t) => {
  const agent = new PlayedAgent();
  t.after(() => agent.stop());
  const reporter = new Reporter({ socket: agent.socket, gather: 1, most: 2 });
  for (const id of ['a', 'b', 'c']) reporter.report({ ev: 'tick', id, ip: '192.0.2.1', cwnd: 1 });
  await reporter.flush();
  assert.deepEqual(reporter.counts, { sent: 0, refused: 0, dropped: 1 });
  await agent.start();
  await settled(() => reporter.counts.sent === 2);
  assert.deepEqual(agent.batches.flatMap((b) => b.reports.map((r) => r.id)), ['b', 'c']);
  await reporter.close();
});

test('refusals are counted and told', async (t) => {
  const agent = await new PlayedAgent().start();
  t.after(() => agent.stop());
  agent.answer = { status: 403, body: JSON.stringify({ reason: 'uid', detail: 'uid 7 may not report', refused_count: 1 }) };
  const told = [];
  const reporter = new Reporter({ socket: agent.socket, onRefused: (problem) => told.push(problem) });
  reporter.report({ ip: '192.0.2.1', port: 1, cwnd: 1 });
  await reporter.close();
  assert.deepEqual(told, ['uid 7 may not report']);
  assert.deepEqual(reporter.counts, { sent: 0, refused: 1, dropped: 0 });
});

test('the pace of reports', () => {
  const pace = new Pace();
  assert.equal(pace.due('close', 14_000, 0), false); // less than an initial window
  assert.equal(pace.due('tick', 65_536, 5000), true);
  assert.equal(pace.due('tick', 200_000, 5999), false); // too soon
  assert.equal(pace.due('tick', 131_071, 6000), false); // too little
  assert.equal(pace.due('tick', 131_072, 6000), true);
  assert.equal(pace.due('close', 131_072, 6000), true);
});
