// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sample is one measured value.
type Sample struct {
	// Figure names what was measured, from the general to the special, with
	// slashes and without spaces: transfer/100ms/cubic/1MB/careful.
	Figure string  `json:"figure"`
	Unit   string  `json:"unit"` // ms, MB, /s, retransmits ...
	Value  float64 `json:"value"`
}

// Part is what one program has measured in one run.
type Part struct {
	Name    string  `json:"part"`
	Command string  `json:"command"`
	Machine Machine `json:"machine"`
	// Tolerated says of which values the machine has its part, and how large.
	Tolerated []string `json:"tolerated,omitempty"`
	Samples   []Sample `json:"samples"`
}

// Book takes what a program writes for people and the values behind it. Its
// methods may be called from any goroutine.
type Book struct {
	markdown, json string

	mu   sync.Mutex
	part Part
	text strings.Builder
}

// Flags adds -md and -json to the program's flags. The part has the program's name.
func Flags(part string) *Book {
	b := &Book{part: Part{Name: part}}
	flag.StringVar(&b.markdown, "md", "", "write the tables to this file, too")
	flag.StringVar(&b.json, "json", "", "write every single value to this file")
	return b
}

// File is a book for one JSON file, without flags.
func File(part, json string) *Book { return &Book{part: Part{Name: part}, json: json} }

// Write takes text for stdout and the Markdown file.
func (b *Book) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(text)
	return os.Stdout.Write(text)
}

// Add keeps a value. The words of the figure become its name.
func (b *Book) Add(value float64, unit string, figure ...any) {
	words := make([]string, len(figure))
	for i, word := range figure {
		words[i] = strings.NewReplacer(" ", "", "/", "-").Replace(fmt.Sprint(word))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.part.Samples = append(b.part.Samples, Sample{Figure: strings.Join(words, "/"), Unit: unit, Value: value})
}

// AddTime keeps a duration, in ms.
func (b *Book) AddTime(value time.Duration, figure ...any) {
	b.Add(float64(value.Microseconds())/1000, "ms", figure...)
}

// Tolerate takes the error of a measurement: where that is whole and was only
// disturbed, it returns nil and keeps in the report what was tolerated.
func (b *Book) Tolerate(err error) error {
	var disturbed interface {
		error
		Says() string
	}
	if !errors.As(err, &disturbed) {
		return err
	}
	fmt.Fprintln(os.Stderr, "tolerated:", err)
	b.AddTolerated(err.Error())
	return nil
}

// AddTolerated keeps what an earlier run tolerated.
func (b *Book) AddTolerated(what ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.part.Tolerated = append(b.part.Tolerated, what...)
}

// tolerated is the report's last paragraph; empty if the machine was quiet.
func (p *Part) tolerated() string {
	if len(p.Tolerated) == 0 {
		return ""
	}
	return "\nThe machine was too busy for every try of these measurements; the best ones are in the tables:\n\n- " +
		strings.Join(p.Tolerated, "\n- ") + "\n"
}

// Include keeps what another process has saved.
func (b *Book) Include(path string) error {
	part, err := Load(path)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.part.Samples = append(b.part.Samples, part.Samples...)
	return err
}

// Save writes the files that the flags name. A later part of the program may
// fail, so it may be called more than once.
func (b *Book) Save() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if b.markdown != "" {
		err = save(b.markdown, []byte(b.text.String()+b.part.tolerated()))
	}
	if b.json == "" {
		return err
	}
	b.part.Command = command(b.part.Name)
	b.part.Machine = machineNow()
	text, failed := json.MarshalIndent(b.part, "", " ")
	return errors.Join(err, failed, save(b.json, append(text, '\n')))
}

// command is how the program was called, but for the files of the machine.
func command(program string) string {
	words := []string{program}
	flag.Visit(func(f *flag.Flag) {
		if !slices.Contains([]string{"md", "json", "keep", "tcpresume"}, f.Name) {
			words = append(words, fmt.Sprintf("-%s %v", f.Name, f.Value))
		}
	})
	return strings.Join(words, " ")
}

func save(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// Load reads a file that Save wrote.
func Load(path string) (Part, error) {
	var part Part
	text, err := os.ReadFile(path)
	if err != nil {
		return part, err
	}
	if err := json.Unmarshal(text, &part); err != nil {
		return part, fmt.Errorf("%s: %w; give a file that a measuring program wrote with -json", path, err)
	}
	if part.Name == "" || len(part.Samples) == 0 {
		return part, fmt.Errorf("%s holds no samples; give a file that a measuring program wrote with -json", path)
	}
	return part, nil
}

var _ io.Writer = (*Book)(nil)
