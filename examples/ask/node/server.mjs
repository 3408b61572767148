// SPDX-License-Identifier: Apache-2.0
//
// A server that learns who its client is with the second request, and asks for
// the connection then. Node.js has no setsockopt; koffi calls the C library's.
//
//   npm install koffi && node server.mjs PORT [CWND_BYTES RTT_US]
//
// One byte asks for 4 kB, the next for 1 MB. Without the last two arguments it
// does not ask.
import net from 'node:net'
import os from 'node:os'
import koffi from 'koffi'

const LEVEL = 0x7472, NAME = 1, VERSION = 1, STATE = 3
const SOL_SOCKET = 1, SO_COOKIE = 57
const libc = koffi.load('libc.so.6')
const setsockopt = libc.func('int setsockopt(int, int, int, void *, uint32_t)')
const getsockopt = libc.func('int getsockopt(int, int, int, void *, uint32_t *)')

// ask returns '' or the name of the errno, as docs/ask.md lists them.
export function ask(socket, { cwnd, ssthresh = 0, rttUs }) {
  const fd = socket._handle.fd // of net.Socket; of a TLSSocket: socket._parent._handle.fd
  const option = new Uint32Array([VERSION, STATE, 0, 0, 0, 0, cwnd, ssthresh, rttUs, 0])
  getsockopt(fd, SOL_SOCKET, SO_COOKIE, new BigUint64Array(1), new Uint32Array([8]))
  if (setsockopt(fd, LEVEL, NAME, option, option.byteLength) === 0) return ''
  const errno = koffi.errno()
  return Object.keys(os.constants.errno).find((name) => os.constants.errno[name] === errno) ?? String(errno)
}

// read returns what became of the connection's state so far.
export function read(socket) {
  const answer = new Uint32Array(8)
  if (getsockopt(socket._handle.fd, LEVEL, NAME, answer, new Uint32Array([answer.byteLength]))) return null
  return { given: answer[3] !== 1, phase: answer[1], jump: answer[6] }
}

const [port, cwnd, rttUs] = process.argv.slice(2).map(Number)
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  server.close()
  let requests = 0
  socket.on('data', (data) => {
    for (const _ of data) {
      if (++requests === 1) socket.write(Buffer.alloc(4000))
      if (requests !== 2) continue
      if (cwnd) {
        const refused = ask(socket, { cwnd, rttUs })
        console.log(`asked for ${cwnd} bytes: ${refused ? 'refused, ' + refused : 'granted'}`)
      }
      socket.write(Buffer.alloc(1_000_000))
    }
  })
  socket.on('end', () => {
    const seen = read(socket)
    if (seen?.given) console.log(`window set to ${seen.jump} bytes, phase ${seen.phase}`)
    socket.end()
  })
})
server.listen(port, () => console.log('listening'))
