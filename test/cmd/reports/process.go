// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// idle is an agent to which nobody has said anything yet.
func (b *bed) idle() error {
	cpu, start := b.cpuTime(), time.Now()
	time.Sleep(3 * time.Second)
	share := 100 * (b.cpuTime() - cpu).Seconds() / time.Since(start).Seconds()
	b.row("idle agent, share of a core", "%.2f %%", share)
	return b.memory("- memory")
}

// memory is what the kernel charges the agent: resident, with its own share of files.
func (b *bed) memory(what string) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.agent.Process.Pid))
	if err != nil {
		return fmt.Errorf("the agent has gone: %w", err)
	}
	figures := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(strings.TrimSpace(value), "kB") {
			kb, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			figures[name] = kb / 1024
		}
	}
	b.row(what, "%.1f MiB resident, %.1f of it not from files", figures["VmRSS"], figures["RssAnon"])
	return nil
}

// cpuTime is what the agent has used so far.
func (b *bed) cpuTime() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.agent.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100 // USER_HZ
}
