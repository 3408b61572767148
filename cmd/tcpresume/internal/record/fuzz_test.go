// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/internal/jsonline"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// FuzzDecode: what the decoder takes, encoding/json takes too, with the same
// meaning; and what it writes of it, it reads again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"peer":"192.0.2.1","cwnd":"256KiB","ssthresh":524288,"rtt_us":80000,"ttl_s":600,"mode":"exact","netns_cookie":5,"state":"in-use"}`))
	f.Add([]byte("{\t\"peer\" : \"2001:db8::\\u0031\",\r\"cwnd\":1.5e5 , \"sharing\":\"shared\",\"source\":\"learnt\",\"age_s\":-1.5}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := Decode(line)
		if err != nil {
			return
		}
		want := Record{TTL: PolicyTTL, Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator}
		var loose map[string]json.RawMessage
		if err := json.Unmarshal(line, &loose); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, name := range fieldNames[lastInput+1:] {
			delete(loose, name)
		}
		delete(loose, "peer") // unmapped by Decode
		rest, _ := json.Marshal(loose)
		if err := json.Unmarshal(rest, &want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want.Peer = got.Peer
		if got != want {
			t.Fatalf("%q\n  gave %+v\n  want %+v", line, got, want)
		}
		if !got.Peer.IsValid() {
			return // no line that anybody writes
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if reread, err := Decode(again); err != nil && got.TTL != PolicyTTL || err == nil && reread != got {
			t.Fatalf("%q\n  gave %+v\n  written as %s\n  gave %+v, %v", line, got, again, reread, err)
		}
	})
}

// FuzzLoad: however the stream falls into blocks and whoever decodes them
// first, loading is what reading line by line would be.
func FuzzLoad(f *testing.F) {
	good := `{"peer":"192.0.2.1","cwnd":"256KiB"}`
	f.Add(byte(0), []byte(good+"\n\n"+good+"\r\n{}\n"+good), false, false)
	f.Add(byte(20), []byte(good+"\n"+`{"peer":"192.0.2.4","cwnd":1,"ttl_s":601}`+"\n"+`{"peer":"192.0.2.4","cwnd":1,"ttl_s":0}`), true, true)
	f.Add(byte(0), []byte(strings.Repeat("x", 200)+"\n"+good+"\n\ufeff"+good+"\n"+strings.Repeat("y", 48)), true, false)
	f.Add(byte(9), []byte(good+"\n"+strings.Repeat(" ", 80)+"\n"+good), true, false)
	f.Fuzz(func(t *testing.T, extra byte, stream []byte, skipBad, clamp bool) {
		size := 48 + int(extra)
		opts := Options{SkipBad: skipBad, ClampTTL: clamp}
		to := &sink{}
		got, err := loadBlocks(context.Background(), size, bytes.NewReader(stream), to, defaultRule, opts)
		want, wantErr := lineByLine(stream, size, opts)
		if !slices.Equal(to.paths, want.paths) || got.Stored != len(want.paths) {
			t.Fatalf("blocks of %d, %q\n  stored %v\n  want %v", size, stream, to.paths, want.paths)
		}
		if say(err) != say(wantErr) || say(got.FirstBad) != say(want.result.FirstBad) {
			t.Fatalf("blocks of %d, %q\n  gave %v, first bad %v\n  want %v, first bad %v", size, stream, err, got.FirstBad, wantErr, want.result.FirstBad)
		}
		if got.Skipped != want.result.Skipped || got.Expired != want.result.Expired || got.Clamped != want.result.Clamped {
			t.Fatalf("blocks of %d, %q\n  counted %+v\n  want %+v", size, stream, got, want.result)
		}
	})
}

// say is the line that an error is about, and nothing where a long value is quoted differently.
func say(err error) string {
	var bad *LineError
	if errors.As(err, &bad) {
		return fmt.Sprintf("line %d", bad.Line)
	}
	return fmt.Sprint(err)
}

// lineByLine loads without blocks and without anything at once.
func lineByLine(stream []byte, size int, opts Options) (all block, _ error) {
	for i, line := range bytes.Split(stream, []byte("\n")) {
		if len(line) >= size {
			if !all.bad(i+1, errors.New("too long"), opts) {
				return all, all.err
			}
			continue
		}
		if line = jsonline.Trim(line); len(line) == 0 {
			continue
		}
		if err := all.add(line, defaultRule, opts); err != nil && !all.bad(i+1, err, opts) {
			return all, all.err
		}
	}
	return all, nil
}
