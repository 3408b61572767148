// SPDX-License-Identifier: Apache-2.0
// Reports the state of QUIC connections to the tcpresume agent of this machine.
// No dependency; Node 18 or later.
//
//   const reporter = new Reporter();
//   reporter.report({ ev: 'tick', id, ip, port, cwnd, min_rtt_us, srtt_us, sent, lost });
//
// Sizes are bytes, times microseconds, "lost" is packets; only ip and cwnd are
// required. Nothing here ever throws at the server or waits for the agent.

import http from 'node:http';

const INFINITE = 2n ** 31n - 1n; // what stacks say of a threshold that was never set begins here

export class Reporter {
  #pending = new Map(); // the latest report of each connection
  #timer = null;
  #posting = null;
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #backoff = 0;

  /** What became of reports; "dropped" ones met no agent for too long. */
  counts = { sent: 0, refused: 0, dropped: 0 };

  /**
   * @param {object} [options]
   * @param {string} [options.socket] of the agent
   * @param {number} [options.gather] milliseconds in which reports are gathered
   * @param {number} [options.most] reports that wait for an agent that is away
   * @param {(problem: string) => void} [options.onRefused] told why the agent refused
   */
  constructor({ socket = '/run/tcpresume/api.sock', gather = 100, most = 4096, onRefused = () => {} } = {}) {
    Object.assign(this, { socket, gather, most, onRefused });
  }

  /** Notes a report. The last one of a connection goes at once: its client may be on its way back already. */
  report(report) {
    const key = report.id ?? `${report.ip} ${report.port}`;
    this.#pending.delete(key); // the newest is the last to be dropped
    this.#pending.set(key, { report: message(report), at: Date.now() });
    while (this.#pending.size > this.most) {
      this.#pending.delete(this.#pending.keys().next().value);
      this.counts.dropped++;
    }
    if (report.ev === 'close' && this.#backoff === 0) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), this.gather + this.#backoff).unref();
  }

  /** Sends what was noted, one request at a time. */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#posting) await this.#posting;
    if (this.#pending.size === 0) return;
    const batch = [...this.#pending];
    this.#pending.clear();
    this.#posting = this.#send(batch);
    await this.#posting;
    this.#posting = null;
  }

  async close() {
    await this.flush();
    this.#agent.destroy();
  }

  async #send(batch) {
    const now = Date.now();
    const lines = batch.map(([, { report, at }]) => JSON.stringify({ ...report, age_ms: now - at }) + '\n');
    try {
      const { status, text } = await this.#post(lines.join(''));
      if (status >= 500) throw new Error(text);
      const refused = status >= 400 ? this.#explain(text, batch.length) : 0;
      this.counts.refused += refused;
      this.counts.sent += batch.length - refused;
      this.#backoff = 0;
    } catch {
      this.#backoff = Math.min(5000, Math.max(100, 2 * this.#backoff));
      for (const [key, entry] of batch) {
        if (this.#pending.has(key) || now - entry.at > 30_000) this.counts.dropped++;
        else this.#pending.set(key, entry);
      }
      if (this.#pending.size > 0) this.#timer ??= setTimeout(() => void this.flush(), this.#backoff).unref();
    }
  }

  #explain(text, all) {
    try {
      const answer = JSON.parse(text);
      this.onRefused(answer.detail ?? text);
      return Math.min(all, answer.refused_count ?? all);
    } catch {
      this.onRefused(text);
      return all;
    }
  }

  #post(body) {
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': Buffer.byteLength(body) };
    const options = { socketPath: this.socket, path: '/v1/reports', method: 'POST', headers, agent: this.#agent, timeout: 5000 };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, text }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('the agent does not answer')));
      request.on('error', reject);
      request.end(body);
    });
  }
}

/** Numbers become whole; what is not known stays away. */
function message(report) {
  const fields = { v: 1 };
  for (const [name, value] of Object.entries(report)) {
    if (typeof value === 'number' || typeof value === 'bigint') {
      if (value > 0 && Number.isFinite(Number(value)) && !(name === 'ssthresh' && value >= INFINITE)) fields[name] = Math.round(Number(value));
    } else if (value != null) fields[name] = value;
  }
  return fields;
}

/**
 * Says when a connection has something new to tell: after 64 KiB at most once a
 * second, and when it ends; nothing before it sent more than an initial window.
 */
export class Pace {
  #sent = 0;
  #at = 0;

  due(ev, sent, now = Date.now()) {
    if (sent < 10 * 1452) return false;
    if (ev !== 'close' && (sent - this.#sent < 65536 || now - this.#at < 1000)) return false;
    this.#sent = sent;
    this.#at = now;
    return true;
  }
}
