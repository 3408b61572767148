// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"sync"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// check is the state of one connection and what is seen of it and to be done.
type check = bytecode.CheckCheckPhase

const (
	inputSend  = bytecode.CheckPhaseInputPHASE_SEND
	inputAck   = bytecode.CheckPhaseInputPHASE_ACK
	inputLoss  = bytecode.CheckPhaseInputPHASE_LOSS
	inputECN   = bytecode.CheckPhaseInputPHASE_ECN
	inputRTO   = bytecode.CheckPhaseInputPHASE_RTO
	inputMTU   = bytecode.CheckPhaseInputPHASE_MTU
	inputLocal = bytecode.CheckPhaseInputPHASE_LOCAL
)

// The short names that the tests use; the values are the kernel's.
const (
	normal         = uint32(bytecode.KernelResumePhaseRESUME_PHASE_NORMAL)
	reconnaissance = uint32(bytecode.KernelResumePhaseRESUME_PHASE_RECONNAISSANCE)
	unvalidated    = uint32(bytecode.KernelResumePhaseRESUME_PHASE_UNVALIDATED)
	validating     = uint32(bytecode.KernelResumePhaseRESUME_PHASE_VALIDATING)
	safeRetreat    = uint32(bytecode.KernelResumePhaseRESUME_PHASE_SAFE_RETREAT)
	exact          = uint32(bytecode.KernelResumePhaseRESUME_PHASE_EXACT)
	filling        = uint32(bytecode.KernelResumePhaseRESUME_PHASE_FILLING)

	none              = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_NONE)
	windowLimited     = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_CONGESTION_WINDOW_LIMITED)
	rttNotValidated   = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_RTT_NOT_VALIDATED)
	lastSent          = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_LAST_UNVALIDATED_PACKET_SENT)
	firstAcknowledged = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_FIRST_UNVALIDATED_PACKET_ACKNOWLEDGED)
	rttExceeded       = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_RTT_EXCEEDED)
	rateLimited       = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_RATE_LIMITED)
	lastAcknowledged  = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_LAST_UNVALIDATED_PACKET_ACKNOWLEDGED)
	pathChanged       = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_PATH_CHANGED)
	packetLoss        = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_PACKET_LOSS)
	ecnCE             = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_ECN_CE)
	rto               = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_RTO)
	exitRecovery      = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_EXIT_RECOVERY)
	noGain            = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_NO_GAIN)
	pipeFull          = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_PIPE_FULL)
	localCongestion   = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_LOCAL_CONGESTION)
	replaced          = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_REPLACED)
	draining          = uint32(bytecode.KernelResumeTriggerRESUME_TRIGGER_DRAINING)

	bySavedWindow    = uint32(bytecode.KernelResumeLimitRESUME_LIMIT_SAVED_WINDOW)
	byMaxJump        = uint32(bytecode.KernelResumeLimitRESUME_LIMIT_MAX_JUMP)
	byStandingQueue  = uint32(bytecode.KernelResumeLimitRESUME_LIMIT_STANDING_QUEUE)
	byReceiverWindow = uint32(bytecode.KernelResumeLimitRESUME_LIMIT_RECEIVER_WINDOW)
	byClamp          = uint32(bytecode.KernelResumeLimitRESUME_LIMIT_CLAMP)
)

type inputNumber = bytecode.CheckPhaseInput

var objects = sync.OnceValues(func() (*bytecode.CheckObjects, error) {
	loaded := new(bytecode.CheckObjects)
	spec, err := bytecode.LoadCheck()
	if err != nil {
		return nil, err
	}
	for _, m := range spec.Maps { // those of the headers, which nothing here uses
		if m.Type != ebpf.RingBuf && m.MaxEntries > 1 {
			m.MaxEntries = 1
		}
	}
	return loaded, spec.LoadAndAssign(loaded, nil)
})

func load(t testing.TB) *bytecode.CheckObjects {
	t.Helper()
	loaded, err := objects()
	if err != nil {
		t.Fatalf("loading the check object: %v; run as root", err)
	}
	return loaded
}

// step lets the kernel run the step function on c.
func step(t testing.TB, c *check) {
	t.Helper()
	run(t, load(t).PhaseCheck, c)
}

// leave lets the kernel end c's phase from outside, for the reason in its trigger.
func leave(t testing.TB, c *check) {
	t.Helper()
	run(t, load(t).LeaveCheck, c)
}

func run(t testing.TB, program *ebpf.Program, c *check) {
	t.Helper()
	loaded := load(t)
	if err := loaded.CheckPhases.Put(uint32(0), c); err != nil {
		t.Fatal(err)
	}
	if _, err := program.Run(nil); err != nil {
		t.Fatal(err)
	}
	if err := loaded.CheckPhases.Lookup(uint32(0), c); err != nil {
		t.Fatal(err)
	}
}
