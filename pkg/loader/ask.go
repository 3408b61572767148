// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// askHooks are the programs of an allowed cgroup, by the names of their pins.
var askHooks = []struct {
	name, prog string
	attach     ebpf.AttachType
}{
	{"set", bytecode.AskProgTcpAsk, ebpf.AttachCGroupSetsockopt},
	{"get", bytecode.AskProgTcpAnswer, ebpf.AttachCGroupGetsockopt},
}

// Ask is a cgroup whose applications may ask for their connections.
type Ask struct {
	Cgroup   string `json:"cgroup"` // empty if it is gone
	CgroupID uint64 `json:"cgroup_id"`
	pathstore.AskRule
	Notes []string `json:"notes,omitempty"` // what a person should know of it
}

func askPin(pins string, id uint64, hook string) string {
	return linkPin(pins, fmt.Sprintf("ask-%d-%s", id, hook))
}

// AllowAsk lets the applications of a cgroup, and of those below, ask for their
// connections. For a cgroup that may already, the rule is replaced.
func AllowAsk(opts Options, cgroup string, rule pathstore.AskRule) (Ask, error) {
	opts = opts.filled()
	within, err := attachedCgroup(opts)
	if err != nil {
		return Ask{}, err
	}
	if cgroup, err = findCgroup(cgroup); err != nil {
		return Ask{}, err
	}
	id, err := cgroupID(cgroup)
	if err != nil {
		return Ask{}, err
	}
	if path := cgroupPath(id); path != "" { // there may be several mounts
		cgroup = path
	}
	if cgroup != within && !strings.HasPrefix(cgroup, strings.TrimSuffix(within, "/")+"/") {
		return Ask{}, fmt.Errorf("tcpresume is attached to %s and does not see the connections of %s; choose a cgroup below, or attach it elsewhere", within, cgroup)
	}
	var undone undo
	if err := attachAsk(opts, cgroup, id, rule, &undone); err != nil {
		return Ask{}, errors.Join(err, undone.run())
	}
	allowed := Ask{Cgroup: cgroup, CgroupID: id, AskRule: rule}
	for _, hook := range askHooks {
		allowed.Notes = append(allowed.Notes, shadowNotes(cgroup, hook.attach)...)
	}
	return allowed, nil
}

// attachedCgroup is where tcpresume sees connections.
func attachedCgroup(opts Options) (string, error) {
	running, err := openAttached(opts.Pins)
	if err != nil {
		return "", err
	}
	if running == nil || running.cgroupID == 0 {
		return "", fmt.Errorf("%w: nothing is attached by the pins under %s; run \"tcpresume up\"", pathstore.ErrNotLoaded, opts.Pins)
	}
	defer running.Close()
	return cgroupPath(running.cgroupID), nil
}

// attachAsk pins the programs for a cgroup, or replaces those that are pinned.
func attachAsk(opts Options, cgroup string, id uint64, rule pathstore.AskRule, undone *undo) error {
	maps, err := pinnedMaps(opts)
	if err != nil {
		return err
	}
	defer maps.close()
	spec, err := bytecode.LoadAsk()
	if err != nil {
		return err
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: maps.shared(spec)})
	if err != nil {
		return fmt.Errorf("loading the socket option: %w", verdict(err))
	}
	defer coll.Close()
	if err := pathstore.PutAskRule(coll.Maps[bytecode.AskMapResumeAskRule], rule); err != nil {
		return err
	}
	for _, hook := range askHooks {
		pin := askPin(opts.Pins, id, hook.name)
		switch l, err := link.LoadPinnedLink(pin, nil); {
		case err == nil:
			err = replaceProgram(pin, l, coll.Programs[hook.prog], undone)
			l.Close()
			if err != nil {
				return err
			}
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("opening link %s: %w", pin, rights(err))
		}
		l, err := link.AttachCgroup(link.CgroupOptions{Path: cgroup, Attach: hook.attach, Program: coll.Programs[hook.prog]})
		if errors.Is(err, unix.EPERM) {
			if foreign := exclusiveAttachment(cgroup, hook.attach); foreign != nil {
				return foreign
			}
		}
		if err != nil {
			return fmt.Errorf("attaching the socket option to cgroup %s: %w", cgroup, rights(err))
		}
		err = l.Pin(pin)
		l.Close()
		if err != nil {
			return fmt.Errorf("pinning the socket option: %w", err)
		}
		undone.add(func() error { return unhook(pin) })
	}
	return nil
}

// DenyAsk ends what AllowAsk began; connections that resume already go on.
func DenyAsk(opts Options, cgroup string) (Ask, error) {
	opts = opts.filled()
	all, err := Asks(opts)
	if err != nil {
		return Ask{}, err
	}
	id, err := cgroupID(cgroup)
	if err != nil { // it may be gone, and be named by its number
		id, _ = strconv.ParseUint(cgroup, 10, 64)
	}
	i := slices.IndexFunc(all, func(a Ask) bool { return a.CgroupID == id })
	if i < 0 {
		return Ask{}, fmt.Errorf("%w: cgroup %s may not ask anyway; \"tcpresume ask list\" shows those that may", pathstore.ErrNotFound, cgroup)
	}
	return all[i], removeAsk(opts, all[i].CgroupID)
}

func removeAsk(opts Options, id uint64) error {
	var errs []error
	for _, hook := range askHooks {
		errs = append(errs, unhook(askPin(opts.Pins, id, hook.name)))
	}
	return rights(errors.Join(errs...))
}

// Asks lists the cgroups whose applications may ask.
func Asks(opts Options) ([]Ask, error) {
	opts = opts.filled()
	pins, err := os.ReadDir(linkPin(opts.Pins, "")) // a pattern would take what may not be read for nothing
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: nothing is pinned under %s; run \"tcpresume up\"", pathstore.ErrNotLoaded, opts.Pins)
	}
	if err != nil {
		return nil, rights(err)
	}
	var all []Ask
	for _, pin := range pins {
		if set, _ := filepath.Match("ask-*-set", pin.Name()); !set {
			continue
		}
		ask, err := readAsk(linkPin(opts.Pins, pin.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, ask)
	}
	slices.SortFunc(all, func(a, b Ask) int {
		return cmp.Or(cmp.Compare(a.Cgroup, b.Cgroup), cmp.Compare(a.CgroupID, b.CgroupID))
	})
	return all, nil
}

// readAsk follows a pinned link to its program and on to the rule.
func readAsk(pin string) (Ask, error) {
	var found Ask
	_, id, _ := strings.Cut(strings.TrimSuffix(filepath.Base(pin), "-set"), "-")
	var err error
	if found.CgroupID, err = strconv.ParseUint(id, 10, 64); err != nil {
		return found, fmt.Errorf("pin %s is not tcpresume's; remove it", pin)
	}
	if !cgroupGone(found.CgroupID) {
		found.Cgroup = cgroupPath(found.CgroupID)
	}
	l, err := link.LoadPinnedLink(pin, nil)
	if err != nil {
		return found, fmt.Errorf("opening link %s: %w", pin, rights(err))
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil {
		return found, err
	}
	rules, err := ruleMap(info.Program)
	if err != nil {
		return found, err
	}
	defer rules.Close()
	found.AskRule, err = pathstore.GetAskRule(rules)
	return found, err
}

func ruleMap(id ebpf.ProgramID) (*ebpf.Map, error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, fmt.Errorf("opening the program of the socket option: %w", rights(err))
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return nil, err
	}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			return nil, rights(err)
		}
		if info, err := m.Info(); err == nil && info.Name == bytecode.AskMapResumeAskRule {
			return m, nil
		}
		m.Close()
	}
	return nil, errors.New("the program of the socket option has no rule; load the matching version of tcpresume")
}

// renewAsks replaces the programs of all allowed cgroups by this version's, and forgets cgroups that are gone.
func renewAsks(opts Options, undone *undo) error {
	all, err := Asks(opts)
	if err != nil {
		return err
	}
	for _, ask := range all {
		if ask.Cgroup == "" {
			err = removeAsk(opts, ask.CgroupID)
		} else {
			err = attachAsk(opts, ask.Cgroup, ask.CgroupID, ask.AskRule, undone)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
