// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/tcpresume/tcpresume/pkg/ask"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) != 1 && len(args) != 3 {
		return errors.New("usage: PORT [CWND_BYTES RTT]")
	}
	listener, err := net.Listen("tcp", ":"+args[0])
	if err != nil {
		return err
	}
	fmt.Println("listening")
	accepted, err := listener.Accept()
	if err != nil {
		return err
	}
	conn := accepted.(*net.TCPConn)
	defer conn.Close()
	if err := answer(conn, 4000); err != nil {
		return err
	}
	if len(args) == 3 {
		if err := resume(conn, args[1], args[2]); err != nil {
			return err
		}
	}
	if err := answer(conn, 1_000_000); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil { // the client has everything
		return err
	}
	if seen, err := ask.Read(conn); err == nil && seen.Given {
		fmt.Printf("window set to %d bytes, phase %s\n", seen.Jump, seen.Phase)
	}
	return nil
}

func resume(conn *net.TCPConn, cwnd, rtt string) error {
	window, err := strconv.ParseUint(cwnd, 10, 32)
	if err != nil {
		return err
	}
	least, err := time.ParseDuration(rtt)
	if err != nil {
		return err
	}
	if err := ask.Ask(conn, ask.State{Cwnd: uint32(window), RTT: least}); err != nil {
		fmt.Printf("asked for %d bytes: refused, %v\n", window, err)
		return nil // it is slower, and nothing else
	}
	fmt.Printf("asked for %d bytes: granted\n", window)
	return nil
}

func answer(conn net.Conn, size int) error {
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return err
	}
	_, err := conn.Write(make([]byte, size))
	return err
}
