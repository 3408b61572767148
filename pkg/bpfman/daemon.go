// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// daemon asks by gRPC, which both generations answer alike. One unary call needs
// no more of gRPC than HTTP/2 and five bytes of framing.
type daemon struct{ socket string }

func (d daemon) String() string { return "gRPC on " + d.socket }

const (
	daemonPatience  = 10 * time.Second
	maxAnswer       = 16 << 20
	frameHeader     = 5 // compressed or not, and the length
	listMethod      = "/bpfman.v1.Bpfman/List"
	contentTypeGRPC = "application/grpc"
)

func (d daemon) Claims(ctx context.Context) ([]Claim, error) {
	if _, err := os.Stat(d.socket); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: no socket %s", ErrAbsent, d.socket)
	}
	answer, err := d.call(ctx, listMethod, listRequest())
	if errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: nobody listens on %s", ErrAbsent, d.socket)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d, err)
	}
	return listResponse(answer)
}

func (d daemon) call(ctx context.Context, method string, message []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, daemonPatience)
	defer cancel()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.socket)
		},
		Protocols: new(http.Protocols),
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+method, bytes.NewReader(frame(message)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentTypeGRPC)
	request.Header.Set("Te", "trailers")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if err := grpcStatus(response); err != nil {
		return nil, err
	}
	return unframe(body)
}

func frame(message []byte) []byte {
	framed := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	return append(framed, message...)
}

func unframe(body []byte) ([]byte, error) {
	if len(body) < frameHeader || body[0] != 0 || uint64(len(body)-frameHeader) < uint64(binary.BigEndian.Uint32(body[1:])) {
		return nil, fmt.Errorf("the answer of %d bytes is not one whole uncompressed message", len(body))
	}
	return body[frameHeader : frameHeader+binary.BigEndian.Uint32(body[1:])], nil
}

// grpcStatus looks where a server that has nothing else to say puts it, too.
func grpcStatus(response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	for _, place := range []http.Header{response.Trailer, response.Header} {
		switch status := place.Get("Grpc-Status"); status {
		case "":
		case "0":
			return nil
		default:
			return fmt.Errorf("gRPC status %s: %s", status, place.Get("Grpc-Message"))
		}
	}
	return errors.New("the answer has no gRPC status")
}
