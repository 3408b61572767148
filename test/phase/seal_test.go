// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const sealedEntries = 10_000

// kernelSeal is path_seal of bpf/seal.h.
func kernelSeal(t testing.TB, key *bytecode.KernelResumePeer, val *bytecode.KernelResumePath) uint64 {
	t.Helper()
	loaded := load(t)
	var c bytecode.CheckCheckSeal
	c.Peer.Addr, c.Peer.Scope = key.Addr, key.Scope
	// The generated types of two objects are one C type.
	*(*bytecode.KernelResumePath)(unsafe.Pointer(&c.Path)) = *val
	if err := loaded.CheckSeals.Put(uint32(0), &c); err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.SealCheck.Run(nil); err != nil {
		t.Fatal(err)
	}
	if err := loaded.CheckSeals.Lookup(uint32(0), &c); err != nil {
		t.Fatal(err)
	}
	return c.Seal
}

// newStore is a Store on maps of its own, without a program; room is what the paths' map holds.
func newStore(t testing.TB, room uint32) (*pathstore.Store, *ebpf.Map) {
	t.Helper()
	spec, err := bytecode.LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	maps := make(map[string]*ebpf.Map)
	for _, name := range pathstore.Maps {
		one := spec.Maps[name].Copy()
		if name == bytecode.KernelMapResumePaths {
			one.MaxEntries = room
		}
		if maps[name], err = ebpf.NewMap(one); err != nil {
			t.Fatalf("map %s: %v; run as root", name, err)
		}
		defer maps[name].Close()
	}
	store, err := pathstore.FromMaps(maps)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := maps[bytecode.KernelMapResumePaths].Clone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(); paths.Close() })
	return store, paths
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func randomPath(random *rand.Rand) resume.Path {
	var addr [16]byte
	binary.BigEndian.PutUint64(addr[:], 0x2000<<48|random.Uint64()>>4)
	binary.BigEndian.PutUint64(addr[8:], random.Uint64())
	peer := netip.AddrFrom16(addr)
	if random.IntN(2) == 0 {
		peer = netip.AddrFrom4([4]byte{byte(1 + random.IntN(200)), addr[9], addr[10], addr[11]})
	}
	return resume.Path{
		Peer: peer, Scope: 1 + random.Uint64()>>(1+random.IntN(63)),
		Cwnd: resume.Bytes(1 + random.Uint32N(1<<32-1)), Ssthresh: resume.Bytes(random.Uint32()),
		RTT:  time.Duration(random.Uint32N(1<<32-1)+1) * time.Microsecond,
		TTL:  time.Duration(1 + random.Int64N(int64(resume.DefaultPolicy().Lifetime))),
		Mode: pick(random, resume.Modes), Sharing: pick(random, resume.Sharings), Source: pick(random, resume.Sources),
	}
}

// What user space stores, the kernel takes for whole and free.
func TestSealOfTheStoreIsTheKernels(t *testing.T) {
	store, paths := newStore(t, 4*sealedEntries) // an LRU map drops entries long before it is full
	perNamespace := resume.DefaultPolicy()
	perNamespace.Scope = resume.ScopeNetns // so that every part of the key is sealed
	if err := store.SetPolicy(pathstore.Rule{Policy: perNamespace}); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(9959, 4))
	put := make([]resume.Path, sealedEntries)
	for i := range put {
		put[i] = randomPath(random)
	}
	if n, err := store.PutAll(put); err != nil || n != sealedEntries {
		t.Fatalf("%d stored: %v", n, err)
	}
	var key bytecode.KernelResumePeer
	var val bytecode.KernelResumePath
	seen := 0
	for entries := paths.Iterate(); entries.Next(&key, &val); seen++ {
		if seal := kernelSeal(t, &key, &val); seal != val.Claim {
			t.Fatalf("the store seals %+v %+v with %#x, the kernel with %#x", key, val, val.Claim, seal)
		}
	}
	if seen < sealedEntries*9/10 {
		t.Fatalf("only %d of %d entries are there", seen, sealedEntries)
	}
}

// What the kernel seals, user space takes for whole; a single other bit makes it damaged.
func TestSealOfTheKernelIsTheStores(t *testing.T) {
	store, paths := newStore(t, 1<<10)
	random := rand.New(rand.NewPCG(9959, 5))
	state := func(key *bytecode.KernelResumePeer, val *bytecode.KernelResumePath) pathstore.State {
		t.Helper()
		if err := paths.Put(key, val); err != nil {
			t.Fatal(err)
		}
		for entry, err := range store.Entries() {
			if err != nil {
				t.Fatal(err)
			}
			if err := paths.Delete(key); err != nil {
				t.Fatal(err)
			}
			return entry.State
		}
		t.Fatal("the entry is not there")
		return ""
	}
	for range 200 {
		var key bytecode.KernelResumePeer
		var val bytecode.KernelResumePath
		for _, bytes := range [][]byte{unsafe.Slice((*byte)(unsafe.Pointer(&key)), unsafe.Sizeof(key)), unsafe.Slice((*byte)(unsafe.Pointer(&val)), unsafe.Sizeof(val))} {
			for i := range bytes {
				bytes[i] = byte(random.Uint32())
			}
		}
		val.ExpiresNs, val.StoredNs = val.ExpiresNs>>1|1<<62, 0 // neither over yet nor to come, whatever the clock says
		val.Claim = kernelSeal(t, &key, &val)
		if got := state(&key, &val); got != pathstore.StateFree {
			t.Fatalf("sealed by the kernel, %+v %+v is %s in the store", key, val, got)
		}
		sealed := unsafe.Slice((*byte)(unsafe.Pointer(&val)), unsafe.Offsetof(val.Uses))
		bit := 64 + random.IntN(8*len(sealed)-64)
		sealed[bit/8] ^= 1 << (bit % 8)
		if got := state(&key, &val); got != pathstore.StateDamaged {
			t.Fatalf("with bit %d turned, %+v %+v is %s in the store", bit, key, val, got)
		}
	}
}
