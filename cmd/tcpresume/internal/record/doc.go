// SPDX-License-Identifier: Apache-2.0

// Package record is a stored path as one line of NDJSON: what "load" reads and
// "dump" and "list -o json" write.
//
// It owns the field names, the strict decoder and the pipeline that decodes a
// million lines in parallel and still reports the first bad one. It refuses to
// know files, terminals and the kernel: it reads a stream and fills a Sink.
//
// Arrow: record -> pathstore, resume
package record
