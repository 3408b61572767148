// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tcpresume/tcpresume/test/figures"
)

func main() {
	markdown := flag.String("md", "", "write the report to this file")
	pictures := flag.String("img", "", "draw the pictures into this directory")
	values := flag.String("values", "", "write the values for benchstat to this file")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "report [-md FILE] [-img DIR] [-values FILE] DIR\n\n"+
			"DIR holds NAME.json and NAME.md of each part, as the measuring programs write them.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := put(flag.Arg(0), *markdown, *pictures, *values); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func put(dir, markdown, pictures, values string) error {
	parts, err := load(dir)
	if err != nil {
		return err
	}
	if markdown != "" {
		err = errors.Join(err, os.WriteFile(markdown, []byte(text(parts)), 0o644))
	}
	if pictures != "" {
		err = errors.Join(err, draw(pictures, parts))
	}
	if values != "" {
		err = errors.Join(err, os.WriteFile(values, []byte(benchmarks(parts)), 0o644))
	}
	return err
}

// part is one program's values and what it wrote for people.
type part struct {
	figures.Part
	file, title, text string
}

// titles in the order of the report, by file.
var titles = []struct{ file, title string }{
	{"bench", "Against a cold start, a route's initial window and the ideal"},
	{"stale", "What a wrong entry costs"},
	{"grid", "Mode careful in every cell of the grid"},
	{"grid-loss", "The same grid with random loss"},
	{"grid-bbr", "The same on BBR sockets, on one path"},
	{"browser", "A browser that falls back"},
	{"live", "Connections that live already"},
	{"reports", "What the agent takes"},
	{"fleet", "Machines that share"},
}

func load(dir string) ([]part, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, t := range titles {
		file := filepath.Join(dir, t.file+".json")
		at := slices.Index(files, file)
		if at < 0 {
			continue
		}
		files = slices.Delete(files, at, at+1)
		measured, err := figures.Load(file)
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(filepath.Join(dir, t.file+".md"))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{measured, t.file, t.title, string(text)})
	}
	if len(files) > 0 {
		return nil, fmt.Errorf("%v: no part of the report; move them away", files)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%s holds no figures; \"make bench\" measures them", dir)
	}
	return parts, nil
}
