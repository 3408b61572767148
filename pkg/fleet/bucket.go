// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// checkBucket says why a bucket that somebody has made cannot serve.
func checkBucket(have, want jetstream.StreamConfig) error {
	switch {
	case have.MaxMsgsPerSubject != 1:
		return fmt.Errorf("bucket %s keeps %d changes of a peer: make it with a history of 1", want.Name, have.MaxMsgsPerSubject)
	case !have.AllowMsgTTL:
		return fmt.Errorf("bucket %s knows no lifetime of single messages: set allow_msg_ttl (NATS 2.11 or later)", want.Name)
	case len(have.Subjects) != 1 || !strings.HasPrefix(have.Subjects[0], strings.TrimSuffix(want.Subjects[0], ">")):
		return fmt.Errorf("stream %s has subjects %v: it is no bucket", want.Name, have.Subjects)
	case have.Discard != jetstream.DiscardOld:
		return fmt.Errorf("bucket %s refuses what is new when it is full: set --discard old", want.Name)
	case have.MaxMsgSize > 0 && have.MaxMsgSize < maxMessage:
		return fmt.Errorf("bucket %s refuses messages of more than %d bytes: set --max-msg-size %d", want.Name, have.MaxMsgSize, want.MaxMsgSize)
	case have.Retention != jetstream.LimitsPolicy:
		return fmt.Errorf("bucket %s forgets what was read (retention %s): make it with --retention limits", want.Name, strings.ToLower(have.Retention.String()))
	case have.NoAck:
		return fmt.Errorf("bucket %s confirms nothing: make it without --no-ack", want.Name)
	}
	return nil
}

// Codes of the server's answers (nats-server, errors.json) that are about room.
const (
	codeConsumersFull    = 10026
	codeResources        = 10023
	codeStorageResources = 10047
	codeMemoryResources  = 10028
	codeStoreFailed      = 10077 // maximum bytes or messages exceeded
)

// remedyOf is what to do about an answer of the server; rights is for a silence,
// as what is not allowed is not answered.
func remedyOf(err error, stream, rights string) string {
	var answer *jetstream.APIError
	if !errors.As(err, &answer) {
		return rights
	}
	switch answer.ErrorCode {
	case codeConsumersFull:
		return `the bucket, or the account, allows no more consumers: raise --max-consumers ("nats stream info ` + stream + `" shows both)`
	case codeResources, codeStorageResources, codeMemoryResources:
		return `the server or the account has no room left: "nats account info" shows its limits`
	case codeStoreFailed:
		return `the bucket is full: raise --max-bytes and let it --discard old ("nats stream edit ` + stream + `")`
	}
	return `the server has answered so; "nats stream info ` + stream + `" shows the bucket`
}
