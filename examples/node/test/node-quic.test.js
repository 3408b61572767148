// SPDX-License-Identifier: Apache-2.0
// Plays the diagnostics channels of node:quic, which released binaries lack.

import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { test } from 'node:test';
import { watchSessions } from '../node-quic.js';

test('sessions report what their channels tell', () => {
  const reports = [];
  clearInterval(watchSessions({ report: (r) => reports.push(r) }));
  const session = {};
  const stats = { cwnd: 500_000n, ssthresh: 400_000n, minRtt: 20_000_000n, smoothedRtt: 25_000_000n, bytesSent: 9_000_000n, pktLost: 3n };
  const created = diagnostics.channel('quic.session.created.server');
  const closed = diagnostics.channel('quic.session.closed');
  created.publish({ session, address: { address: '192.0.2.1', port: 5 } });
  diagnostics.channel('quic.session.path.validation').publish({ session, newRemoteAddress: { address: '192.0.2.1', port: 6 } });
  closed.publish({ session, stats });
  closed.publish({ session, stats }); // no longer known
  const [{ id, ...report }] = reports;
  assert.match(id, /^node-\d+-1$/);
  assert.deepEqual(report, {
    ev: 'close', ip: '192.0.2.1', port: 6, cwnd: 500_000n, ssthresh: 400_000n, sent: 9_000_000n, lost: 3n, min_rtt_us: 20_000, srtt_us: 25_000,
  });
  assert.equal(reports.length, 1);
});
