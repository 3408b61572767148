// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// command asks bpfman's own program. Only the Go generation speaks JSON; the
// tables of 0.6 are for people, and its pins say the same.
type command struct{ name, root string }

func (c command) String() string { return "\"" + c.name + " program list -o json\"" }

const commandPatience = 20 * time.Second

// errUnknownList keeps the answer of another version from being taken for an empty one.
var errUnknownList = errors.New("bpfman's list is not the JSON that is known of it")

// listed is the part of its answer that matters here.
type listed struct {
	Programs []struct {
		ProgramID uint32 `json:"program_id"`
		Record    struct {
			Load struct {
				ProgramName string `json:"program_name"`
			} `json:"load"`
			Handles struct {
				MapPinPath string `json:"map_pin_path"`
			} `json:"handles"`
		} `json:"record"`
	} `json:"programs"`
}

func (c command) Claims(ctx context.Context) ([]Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	path, err := exec.LookPath(c.name)
	if err != nil {
		return nil, fmt.Errorf("%w: no command %s", ErrAbsent, c.name)
	}
	if err := exec.CommandContext(ctx, path, "program", "--help").Run(); err != nil {
		return nil, fmt.Errorf("%w: %s is bpfman 0.6, which prints no JSON", ErrAbsent, path)
	}
	list := exec.CommandContext(ctx, path, c.arguments()...)
	var complaint bytes.Buffer
	list.Stderr = &complaint
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", c, err, strings.TrimSpace(complaint.String()))
	}
	return parseList(out)
}

func (c command) arguments() []string {
	arguments := []string{"program", "list", "-o", "json"}
	if c.root != DefaultRoot {
		arguments = append([]string{"--runtime-dir", c.root}, arguments...)
	}
	return arguments
}

func parseList(out []byte) ([]Claim, error) {
	if len(bytes.TrimSpace(out)) == 0 {
		return nil, nil // an empty list
	}
	var (
		answer  listed
		members map[string]json.RawMessage
	)
	if err := errors.Join(json.Unmarshal(out, &answer), json.Unmarshal(out, &members)); err != nil {
		return nil, errors.Join(errUnknownList, err)
	}
	if _, named := members["programs"]; !named && len(members) > 0 {
		return nil, fmt.Errorf("%w: it has no \"programs\", as if there were none", errUnknownList)
	}
	var claims []Claim
	for _, p := range answer.Programs {
		if p.ProgramID == 0 {
			return nil, fmt.Errorf("%w: a program has no program_id", errUnknownList)
		}
		claims = append(claims, Claim{ID: p.ProgramID, Name: p.Record.Load.ProgramName, MapsDir: p.Record.Handles.MapPinPath})
	}
	return claims, nil
}
