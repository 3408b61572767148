// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/tcpresume/tcpresume/internal/jsonline"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// MessageVersion is the field "v": the oldest version whose readers understand
// the message. Fields may be added without a new one, as readers skip what they
// do not know.
const MessageVersion = 1

// maxMessage bounds what is read; ours have some 200 bytes.
const maxMessage = 1024

// ErrOtherVersion is wrapped by errors about messages for newer readers.
var ErrOtherVersion = errors.New("message of another version")

// Op is what happened to a path.
type Op string

// A claim is taken by one connection that resumes, until it closes; what is gone
// was retreated on, used up or deleted.
const (
	OpPut   Op = "put"
	OpClaim Op = "claim"
	OpGone  Op = "gone"
)

var ops = []Op{OpPut, OpClaim, OpGone}

// Change is what one agent tells the others of one peer. Lifetimes are spans. At is
// of the server's clock, as the sender has compared it with its own: it tells what
// came first, however long messages are under way, and no machine's clock counts.
type Change struct {
	Op   Op
	From string        // name of the agent, for people
	Run  string        // of the agent's process: the same name may come back, this does not
	N    uint64        // of the changes of one run, from 1
	At   int64         // when it came about, in microseconds of the server's clock since 1970
	TTL  time.Duration // that the path had left, when it was sent; milliseconds
	Why  string        // OpGone: in one word

	Cwnd     resume.Bytes // OpPut, as are the next ones
	Ssthresh resume.Bytes
	RTT      time.Duration // microseconds
	Mode     resume.Mode
	Source   resume.Source // there
}

const (
	wireVersion = iota
	wireOp
	wireFrom
	wireRun
	wireN
	wireAt
	wireTTL
	wireWhy
	wireCwnd
	wireSsthresh
	wireRTT
	wireMode
	wireSource
)

var messageFields = []string{
	"v", "op", "from", "run", "n", "at_us", "ttl_ms", "why", "cwnd", "ssthresh", "min_rtt_us", "mode", "source",
}

const maxName = 64

// Append writes the message behind buf. The texts of a Change are ours and need
// no escapes; Validate refuses others.
func (c Change) Append(buf []byte) []byte {
	number := func(i int, n uint64) {
		if n != 0 {
			buf = strconv.AppendUint(append(append(append(buf, `,"`...), messageFields[i]...), `":`...), n, 10)
		}
	}
	word := func(i int, text string) {
		if text != "" {
			buf = append(append(append(append(buf, `,"`...), messageFields[i]...), `":"`...), text...)
			buf = append(buf, '"')
		}
	}
	buf = strconv.AppendUint(append(buf, `{"v":`...), MessageVersion, 10)
	word(wireOp, string(c.Op))
	word(wireFrom, c.From)
	word(wireRun, c.Run)
	number(wireN, c.N)
	number(wireAt, uint64(max(0, c.At)))
	number(wireTTL, uint64(max(0, c.TTL.Milliseconds())))
	word(wireWhy, c.Why)
	number(wireCwnd, uint64(c.Cwnd))
	number(wireSsthresh, uint64(c.Ssthresh))
	number(wireRTT, uint64(max(0, c.RTT.Microseconds())))
	word(wireMode, string(c.Mode))
	word(wireSource, string(c.Source))
	return append(buf, '}')
}

// ParseChange reads and validates one message.
func ParseChange(text []byte) (Change, error) {
	var c Change
	if len(text) > maxMessage {
		return c, fmt.Errorf("the message has %d bytes: at most %d are allowed", len(text), maxMessage)
	}
	s := jsonline.New(text)
	version := int64(0)
	err := s.Object(messageFields,
		func(i int) error { return c.read(i, s, &version) },
		func([]byte) error { return s.Skip() })
	switch {
	case version > MessageVersion:
		return c, fmt.Errorf("%w: v is %d, this agent reads %d", ErrOtherVersion, version, MessageVersion)
	case err != nil:
		return c, err
	case version < 1:
		return c, errors.New("v is missing")
	}
	return c, c.Validate()
}

func (c *Change) read(i int, s *jsonline.Scanner, version *int64) (err error) {
	switch i {
	case wireVersion:
		*version, err = s.Integer("the version", math.MaxInt32)
	case wireOp:
		c.Op, err = text[Op](s)
	case wireFrom:
		c.From, err = text[string](s)
	case wireRun:
		c.Run, err = text[string](s)
	case wireN:
		var n int64
		n, err = s.Integer("the change", math.MaxInt64)
		c.N = uint64(n)
	case wireAt:
		c.At, err = s.Integer("time", math.MaxInt64/1000)
	case wireTTL:
		c.TTL, err = span(s, time.Millisecond, int64(resume.MaxTTL/time.Millisecond))
	case wireWhy:
		c.Why, err = text[string](s)
	case wireCwnd:
		c.Cwnd, err = window(s)
	case wireSsthresh:
		c.Ssthresh, err = window(s)
	case wireRTT:
		c.RTT, err = span(s, time.Microsecond, math.MaxUint32)
	case wireMode:
		c.Mode, err = text[resume.Mode](s)
	case wireSource:
		c.Source, err = text[resume.Source](s)
	}
	return err
}

func text[T ~string](s *jsonline.Scanner) (T, error) {
	text, err := s.String("a text in quotes")
	return T(text), err
}

func span(s *jsonline.Scanner, unit time.Duration, most int64) (time.Duration, error) {
	n, err := s.Integer("time", most)
	return time.Duration(n) * unit, err
}

func window(s *jsonline.Scanner) (resume.Bytes, error) {
	n, err := s.Integer("bytes", math.MaxUint32)
	return resume.Bytes(n), err
}

// Validate says what is wrong with a message that could be read.
func (c Change) Validate() error {
	if _, err := resume.ParseWord("change", string(c.Op), ops); err != nil {
		return err
	}
	if !plain(c.From) || !plain(c.Run) || c.From == "" || c.Run == "" || c.N == 0 {
		return errors.New("from, run and n must name the sender: 1 to 64 letters, digits, -, _, and a number")
	}
	if !plain(c.Why) {
		return fmt.Errorf("why %.80q is not one word", c.Why)
	}
	if c.TTL <= 0 {
		return errors.New("ttl_ms is missing: every change ends")
	}
	if c.Op != OpPut {
		return nil
	}
	var errs []error
	if c.Cwnd == 0 {
		errs = append(errs, errors.New("cwnd is missing or 0"))
	}
	_, err := resume.ParseWord("mode", string(c.Mode), resume.Modes)
	errs = append(errs, err)
	_, err = resume.ParseWord("source", string(c.Source), resume.Sources)
	return errors.Join(append(errs, err)...)
}

// plain tells whether a text is one token of a subject and needs no escapes.
func plain(text string) bool {
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(text) <= maxName
}
