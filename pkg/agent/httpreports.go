// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tcpresume/tcpresume/internal/jsonline"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	maxBody    = 4 << 20 // of POST /v1/reports
	maxRefused = 20      // lines that an answer names
)

// Answer is the body of POST /v1/reports: what became of the lines.
type Answer struct {
	Stored  int            `json:"stored"`
	Held    int            `json:"held"`
	Reasons map[string]int `json:"held_reasons,omitempty"`
	Count   int            `json:"refused_count"`
	Refused []RefusedLine  `json:"refused,omitempty"` // the first ones
}

// RefusedLine is one line that was not taken.
type RefusedLine struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// problemAnswer is an Answer with at least one refused line.
type problemAnswer struct {
	Problem
	Answer
}

func (a *Agent) postReports(w http.ResponseWriter, r *http.Request) {
	who := credentialsOf(r.Context())
	var (
		answer   Answer
		messages []Message
		numbers  []int
		outcomes []Outcome
		text     [batch * resume.MaxReport]byte
	)
	take := func() {
		outcomes = a.Take(messages, outcomes)
		for i, o := range outcomes {
			answer.add(numbers[i], o)
		}
		messages, numbers = messages[:0], numbers[:0]
	}
	lines := jsonline.NewLines(http.MaxBytesReader(w, r.Body, maxBody), 2*resume.MaxReport) // with room for blanks
	number, used := 0, 0
	line, err := lines.Next()
	for ; err == nil; line, err = lines.Next() {
		number++
		if len(line) == 0 {
			continue
		}
		line = line[:min(len(line), resume.MaxReport+1)] // one byte too long is refused as well
		if len(messages) == batch || used+len(line) > len(text) {
			if take(); answer.hopeless() {
				break
			}
			used = 0
		}
		n := copy(text[used:], line) // the reader's own is gone with the next line
		messages, numbers = append(messages, Message{who, text[used : used+n]}), append(numbers, number)
		used += n
	}
	take()
	status, reason, detail := answer.verdict()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status, reason, detail = http.StatusRequestEntityTooLarge, "size", fmt.Sprintf("the body has more than %d bytes: send smaller batches; the lines before were taken", maxBody)
	case err != nil && !errors.Is(err, io.EOF):
		status, reason, detail = http.StatusBadRequest, ReasonMalformed, fmt.Sprintf("the body broke off behind line %d: %v", number, err)
	case number == 0:
		status, reason, detail = http.StatusBadRequest, ReasonMalformed, "the body is empty: give one report per line"
	}
	if status == http.StatusOK {
		writeJSON(w, status, "application/json", answer)
		return
	}
	if reason == ReasonRate {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, "application/problem+json", problemAnswer{Problem{http.StatusText(status), status, reason, detail}, answer})
}

func (a *Answer) add(line int, o Outcome) {
	switch o.Result {
	case Stored:
		a.Stored++
	case Held:
		if a.Reasons == nil {
			a.Reasons = make(map[string]int)
		}
		a.Held++
		a.Reasons[o.Reason]++
	case Refused:
		if a.Count++; a.Count <= maxRefused {
			a.Refused = append(a.Refused, RefusedLine{line, o.Reason, o.Err.Error()})
		}
	}
}

// hopeless tells that no line of this user can fare better.
func (a *Answer) hopeless() bool { return a.Count > 0 && a.Refused[0].Reason == ReasonUID }

// verdict is the status of the whole: that of the first refusal.
func (a *Answer) verdict() (status int, reason, detail string) {
	if a.Count == 0 {
		return http.StatusOK, "", ""
	}
	first := a.Refused[0]
	detail = fmt.Sprintf("line %d: %s", first.Line, first.Detail)
	switch first.Reason {
	case ReasonUID, ReasonPeer, ReasonMode:
		status = http.StatusForbidden
	case ReasonRate:
		status = http.StatusTooManyRequests
	case ReasonStore:
		status = http.StatusInternalServerError
	case ReasonWaiting:
		status = http.StatusServiceUnavailable
	default:
		status = http.StatusUnprocessableEntity
	}
	return status, first.Reason, detail
}
