// SPDX-License-Identifier: Apache-2.0
// Plays the agent on a Unix socket, and keeps what it was told.

import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class PlayedAgent {
  batches = [];
  connections = 0;
  answer = { status: 204, body: '' };
  #directory = mkdtempSync(join(tmpdir(), 'tcpresume-node-'));
  socket = join(this.#directory, 'api.sock');

  async start() {
    this.server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        this.batches.push({ url: request.url, type: request.headers['content-type'], reports: body.trim().split('\n').map((l) => JSON.parse(l)) });
        response.writeHead(this.answer.status).end(this.answer.body);
      });
    });
    this.server.on('connection', () => this.connections++);
    await new Promise((resolve) => this.server.listen(this.socket, resolve));
    return this;
  }

  async stop() {
    this.server?.closeAllConnections();
    await new Promise((resolve) => (this.server ? this.server.close(resolve) : resolve()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
