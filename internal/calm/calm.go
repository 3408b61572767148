// SPDX-License-Identifier: Apache-2.0

package calm

import (
	"fmt"
	"maps"
	"sync"
	"time"
)

// What a Log writes unless it says otherwise.
const (
	Burst = 4
	Every = time.Minute
)

// Log writes the first lines at once, each of them once, and afterwards one in
// each interval: the latest, with how many were left out. So its end is true
// before long, whatever came how often. Its methods may be called from several
// goroutines.
type Log struct {
	write func(line string)
	burst int
	every time.Duration

	mu      sync.Mutex
	tokens  float64
	filled  time.Time
	written map[string]time.Time // lines, and when; forgotten after an interval
	waiting string               // the latest line that was left out; empty: none
	left    int                  // lines left out beside it
	timer   *time.Timer
}

// New makes a Log; 0 is Burst lines at once and one Every.
func New(write func(line string), burst int, every time.Duration) *Log {
	if burst == 0 {
		burst = Burst
	}
	if every == 0 {
		every = Every
	}
	return &Log{write: write, burst: burst, every: every, tokens: float64(burst), filled: time.Now(), written: make(map[string]time.Time)}
}

// Printf writes a line, now or later, or never if others follow.
func (l *Log) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	now := time.Now()
	l.tokens = min(float64(l.burst), l.tokens+now.Sub(l.filled).Seconds()/l.every.Seconds())
	l.filled = now
	maps.DeleteFunc(l.written, func(_ string, at time.Time) bool { return now.Sub(at) >= l.every })
	_, known := l.written[line]
	switch {
	case l.waiting != "":
		l.waiting = line
		l.left++
	case known || l.tokens < 1:
		l.waiting = line
		l.timer = time.AfterFunc(l.every, l.flush)
	default:
		l.tokens--
		l.written[line] = now
		l.write(line)
	}
}

func (l *Log) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == "" {
		return
	}
	line := l.waiting
	if l.left > 0 {
		line += fmt.Sprintf(" (and %d lines before it)", l.left)
	}
	l.drop()
	l.tokens, l.filled = 0, time.Now()
	l.write(line)
}

// Drop gives up what waits, as it is not true any more: when it is again, that
// is news.
func (l *Log) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
	clear(l.written)
}

func (l *Log) drop() {
	l.waiting, l.left = "", 0
	if l.timer != nil {
		l.timer.Stop()
	}
}
