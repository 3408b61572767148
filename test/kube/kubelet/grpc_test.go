// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// methods answers unary calls of gRPC, by path; messages are taken as they are on the wire.
type methods map[string]func(request []byte) (answer []byte, err error)

// serve listens on a Unix socket, as drivers of a kubelet do.
func (m methods) serve(socket string) (*http.Server, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, err
	}
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: m, Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = server.Serve(listener) }()
	return server, nil
}

// ServeHTTP answers one call: a byte that says "not compressed", the length, the message.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const prefix, notFound, unimplemented = 5, "5", "12"
	w.Header().Set("Content-Type", "application/grpc")
	w.WriteHeader(http.StatusOK)
	status := func(code, message string) {
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", code)
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", message)
	}
	call := m[r.URL.Path]
	if call == nil {
		status(unimplemented, r.URL.Path)
		return
	}
	request, err := io.ReadAll(r.Body)
	if err == nil && len(request) < prefix {
		err = fmt.Errorf("%d bytes are no call", len(request))
	}
	var answer []byte
	if err == nil {
		answer, err = call(request[prefix:])
	}
	if err != nil {
		status(notFound, err.Error())
		return
	}
	head := make([]byte, prefix)
	binary.BigEndian.PutUint32(head[1:], uint32(len(answer)))
	_, _ = w.Write(append(head, answer...))
	status("0", "")
}

// text appends a field of a string, or of a message.
func text(to []byte, field protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(to, field, protowire.BytesType), value)
}

// texts are the values of a field of strings or messages, in the order sent.
func texts(message []byte, field protowire.Number) (all []string) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return all
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return all
		}
		if number == field && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			all = append(all, string(value))
		}
		message = message[n:]
	}
	return all
}

// first is the first of texts, or nothing.
func first(message string, field protowire.Number) string {
	if all := texts([]byte(message), field); len(all) > 0 {
		return all[0]
	}
	return ""
}
