// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// FuzzDecodeEntry reads maps that anybody may have written: nothing breaks, and
// what is free to be used is what the store itself would write.
func FuzzDecodeEntry(f *testing.F) {
	const now = uint64(time.Hour)
	for _, mode := range resume.Modes {
		for _, source := range resume.Sources {
			path := resume.Path{Peer: netip.MustParseAddr("2001:db8::1"), Cwnd: 1 << 18, Ssthresh: 1 << 19, RTT: 80 * time.Millisecond, TTL: time.Minute, Mode: mode, Sharing: resume.SharingSingle, Source: source}
			key, val, err := encode(path, resume.DefaultPolicy(), now)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw(f, &key), raw(f, &val), now)
		}
	}
	f.Fuzz(func(t *testing.T, rawKey, rawVal []byte, now uint64) {
		var key bytecode.KernelResumePeer
		var val bytecode.KernelResumePath
		if len(rawKey) != binary.Size(key) || len(rawVal) != binary.Size(val) || now >= 1<<62 {
			return
		}
		read(t, rawKey, &key)
		read(t, rawVal, &val)
		entry := decode(&key, &val, now)
		if entry.TTL < 0 || entry.Age < 0 || entry.RTT < 0 {
			t.Fatalf("a negative time: %+v", entry)
		}
		if entry.State != StateFree {
			return
		}
		_, again, err := encode(entry.Path, resume.DefaultPolicy(), now)
		if err != nil || again.CwndBytes != val.CwndBytes || again.SsthreshBytes != val.SsthreshBytes ||
			again.MinRttUs != val.MinRttUs || again.Mode != val.Mode || again.Sharing != val.Sharing || again.Source != val.Source {
			t.Fatalf("%+v read as %+v is written as %+v, %v", val, entry, again, err)
		}
	})
}

// FuzzDecodeEvent reads records of any content.
func FuzzDecodeEvent(f *testing.F) {
	f.Add(raw(f, &bytecode.KernelResumeEvent{}))
	f.Fuzz(func(t *testing.T, record []byte) {
		var event bytecode.KernelResumeEvent
		if len(record) != binary.Size(event) {
			return
		}
		read(t, record, &event)
		got := decodeEvent(event, time.Unix(0, 0))
		if got.Kind == "" || got.Phase == "" || got.Trigger == "" || got.CC == "" || got.SRTT < 0 || got.MinRTT < 0 {
			t.Fatalf("%+v", got)
		}
	})
}

func raw(t testing.TB, from any) []byte {
	t.Helper()
	var to bytes.Buffer
	if err := binary.Write(&to, binary.NativeEndian, from); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

func read(t testing.TB, from []byte, to any) {
	t.Helper()
	if err := binary.Read(bytes.NewReader(from), binary.NativeEndian, to); err != nil {
		t.Fatal(err)
	}
}
