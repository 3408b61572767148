// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of bpfman.v1 by number, the same from 0.6.0 to the Go generation. The
// program types in its messages are left alone: the two number them differently.
const (
	listRequestProgramsOnly = 2 // bool bpfman_programs_only

	listResponseResults = 3 // repeated ListResult

	resultInfo       = 1 // ProgramInfo; missing for programs that bpfman did not load
	resultKernelInfo = 2 // KernelProgramInfo

	infoName       = 1
	infoMapPinPath = 6

	kernelInfoID = 1
)

func listRequest() []byte {
	message := protowire.AppendTag(nil, listRequestProgramsOnly, protowire.VarintType)
	return protowire.AppendVarint(message, 1)
}

func listResponse(message []byte) ([]Claim, error) {
	var claims []Claim
	err := fields(message, func(number protowire.Number, _ uint64, result []byte) error {
		if number != listResponseResults {
			return nil
		}
		claim, managed, err := listResult(result)
		if err == nil && managed {
			claims = append(claims, claim)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bpfman's List answers what its protocol does not know: %w", err)
	}
	return claims, nil
}

func listResult(message []byte) (claim Claim, managed bool, err error) {
	err = fields(message, func(number protowire.Number, _ uint64, part []byte) error {
		switch number {
		case resultInfo:
			managed = true
			return fields(part, func(number protowire.Number, _ uint64, text []byte) error {
				switch number {
				case infoName:
					claim.Name = string(text)
				case infoMapPinPath:
					claim.MapsDir = string(text)
				}
				return nil
			})
		case resultKernelInfo:
			return fields(part, func(number protowire.Number, value uint64, _ []byte) error {
				if number == kernelInfoID {
					claim.ID = uint32(value)
				}
				return nil
			})
		}
		return nil
	})
	return claim, managed, err
}

// fields calls each for every field: with its number, and its varint or its bytes.
func fields(message []byte, each func(protowire.Number, uint64, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		var (
			value uint64
			part  []byte
		)
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			part, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if err := each(number, value, part); err != nil {
			return err
		}
	}
	return nil
}
