// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/tcpresume/tcpresume/test/supply"
)

func main() {
	program := flag.String("program", "../bin/tcpresume", "what to describe")
	bytecode := flag.String("bytecode", "../bytecode", "the BPF objects that it was built with")
	version := flag.String("version", "", "its version")
	out := flag.String("out", "", "where to write it; standard output if empty")
	flag.Parse()
	if err := run(*program, *bytecode, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(program, bytecode, version, out string) error {
	bom, err := supply.Materials(program, bytecode, version)
	if err != nil {
		return err
	}
	to := os.Stdout
	if out != "" {
		if to, err = os.Create(out); err != nil {
			return err
		}
		defer to.Close()
	}
	return cdx.NewBOMEncoder(to, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}
