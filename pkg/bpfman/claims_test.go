// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// What the Go generation printed on a real machine with two of our programs loaded.
func TestTheListOfTheGoGeneration(t *testing.T) {
	recorded, err := os.ReadFile("testdata/list.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseList(recorded)
	want := []Claim{
		{ID: 33291, Name: "tcp_resume", MapsDir: "/run/bpfman/fs/maps/33291"},
		{ID: 33292, Name: "resume_watch", MapsDir: "/run/bpfman/fs/maps/33292"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
	for text, wrong := range map[string]bool{"": false, "\n": false, "{}": false, `{"programs":null}`: false, "no programs": true, "[]": true,
		`{"items":[{"id":7}]}`: true, `{"programs":[{"id":7,"record":{"load":{"program_name":"tcp_resume"}}}]}`: true} {
		if got, err := parseList([]byte(text)); len(got) > 0 || (err != nil) != wrong {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}

// Programs of ours without the one that carries them are said, with what is missing;
// those of others are nobody's business.
func TestAPartOfUsIsNamed(t *testing.T) {
	for names, want := range map[string]string{
		"resume_rst_in xdp_pass":       "it has loaded resume_rst_in, and not resume_watch",
		"resume_rst_in resume_rst_out": "it has loaded resume_rst_in and resume_rst_out, and not resume_watch",
		"xdp_pass":                     "",
	} {
		var claims []Claim
		for i, name := range strings.Fields(names) {
			claims = append(claims, Claim{ID: uint32(i + 1), Name: name})
		}
		found, wrong := confirm(claims, Options{}.filled())
		said := strings.Join(wrong, "; ")
		if found != nil || !strings.HasPrefix(said, want) || strings.Contains(said, "tracepoint:resume_watch") != (want != "") {
			t.Errorf("%s: found %v, said %q", names, found, said)
		}
	}
}

func message(parts ...any) (wire []byte) {
	for i := 0; i < len(parts); i += 2 {
		number := protowire.Number(parts[i].(int))
		switch value := parts[i+1].(type) {
		case int:
			wire = protowire.AppendVarint(protowire.AppendTag(wire, number, protowire.VarintType), uint64(value))
		case string:
			wire = protowire.AppendString(protowire.AppendTag(wire, number, protowire.BytesType), value)
		case []byte:
			wire = protowire.AppendBytes(protowire.AppendTag(wire, number, protowire.BytesType), value)
		}
	}
	return wire
}

var twoPrograms = message(
	3, message(1, message(1, "resume_watch", 3, 7, 6, "/maps/57", 8, message(1, "k", 2, "v")), 2, message(1, 57, 2, "resume_watch", 3, 5)),
	3, message(2, message(1, 9, 2, "unmanaged")),
)

// daemons answer on a socket as a gRPC server does, or as it should not.
func TestTheDaemon(t *testing.T) {
	claims := []Claim{{ID: 57, Name: "resume_watch", MapsDir: "/maps/57"}}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   []Claim
		err    string
	}{
		"two programs, one of them bpfman's": {grpcAnswer(frame(twoPrograms), "0"), claims, ""},
		"nothing loaded":                     {grpcAnswer(frame(nil), "0"), nil, ""},
		"refused":                            {grpcAnswer(nil, "10"), nil, "gRPC status 10: no such luck"},
		"cut off":                            {grpcAnswer(frame(twoPrograms)[:20], "0"), nil, "not one whole uncompressed message"},
		"compressed":                         {grpcAnswer(append([]byte{1}, frame(nil)[1:]...), "0"), nil, "not one whole uncompressed message"},
		"another protocol":                   {grpcAnswer(frame([]byte{0xff}), "0"), nil, "what its protocol does not know"},
		"no status":                          {grpcAnswer(frame(nil), ""), nil, "no gRPC status"},
		"not gRPC":                           {func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }, nil, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			socket := serve(t, c.answer)
			got, err := daemon{socket}.Claims(context.Background())
			if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, %v\nwant %v, %q", got, err, c.want, c.err)
			}
		})
	}
}

func grpcAnswer(body []byte, status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		if r.URL.Path != listMethod || string(asked) != string(frame([]byte{2 << 3, 1})) || r.Header.Get("Te") != "trailers" {
			http.Error(w, "not what a gRPC client asks", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", contentTypeGRPC)
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		_, _ = w.Write(body)
		if status != "" {
			w.Header().Set("Grpc-Status", status)
			w.Header().Set("Grpc-Message", "no such luck")
		}
	}
}

func serve(t *testing.T, answer http.Handler) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: answer, Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return socket
}

// Nobody to ask is no failure, wherever bpfman could be.
func TestNobodyThere(t *testing.T) {
	nowhere := t.TempDir()
	dead := filepath.Join(nowhere, "dead")
	listener, err := net.Listen("unix", dead)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	for _, source := range []Source{daemon{nowhere + "/none"}, daemon{dead}, command{nowhere + "/none", DefaultRoot}, pins{nowhere}} {
		if claims, err := source.Claims(context.Background()); !errors.Is(err, ErrAbsent) || claims != nil {
			t.Errorf("%s: got %v, %v", source, claims, err)
		}
	}
}

// Either a list is understood or none of it is used.
func FuzzParseList(f *testing.F) {
	recorded, err := os.ReadFile("testdata/list.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(recorded)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if claims, err := parseList(answer); err != nil && claims != nil {
			t.Fatalf("%q gave %v and %v", answer, claims, err)
		}
	})
}

func FuzzListResponse(f *testing.F) {
	f.Add(twoPrograms)
	f.Add([]byte{0x1a, 0x80})
	f.Fuzz(func(t *testing.T, answer []byte) {
		if claims, err := listResponse(answer); err != nil && claims != nil {
			t.Errorf("claims %v beside %v", claims, err)
		}
	})
}
