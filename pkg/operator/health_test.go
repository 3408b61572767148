// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestProbes(t *testing.T) {
	h := NewHealth()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- h.Serve(ctx, listener) }()
	expect := func(path, want string) {
		t.Helper()
		answer, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if got := fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(string(text))); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	expect("/healthz", "200 ok")
	expect("/readyz", "503 "+errStarting.Error())
	h.Looked(errors.New("nothing attached"))
	expect("/readyz", "503 nothing attached")
	h.Looked(nil)
	expect("/readyz", "200 ok")
	h.looked = time.Now().Add(-2 * stuck)
	expect("/healthz", "503 no progress for 10m0s")
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
