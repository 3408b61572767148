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
	var answer listed
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, errors.Join(errors.New("bpfman's list is not the JSON that is known of it"), err)
	}
	var claims []Claim
	for _, p := range answer.Programs {
		claims = append(claims, Claim{ID: p.ProgramID, Name: p.Record.Load.ProgramName, MapsDir: p.Record.Handles.MapPinPath})
	}
	return claims, nil
}
