// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/test/kube/cluster"
)

const folder = "../../../manifests/"

// overlays run the agent, each in its way.
var overlays = []string{"bpfman-go", "bpfman-0.6", "namespaced"}

var api *cluster.Cluster

func TestMain(m *testing.M) { os.Exit(withCluster(m)) }

func withCluster(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute) // the first time it is built
	defer cancel()
	var err error
	if api, err = cluster.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer api.Close()
	return m.Run()
}

func kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := api.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// kubectlAfter is for clean-up, when the test's context has ended.
func kubectlAfter(t *testing.T, args ...string) {
	t.Helper()
	if _, err := api.Kubectl(context.Background(), "", args...); err != nil {
		t.Error(err)
	}
}

func render(t *testing.T, dir string) string { return kubectl(t, "", "kustomize", dir) }

// object is a rendered manifest.
type object = map[string]any

func kind(o object) string { return at[string](o, "kind") }

// at walks into a document; what is not there is the zero value.
func at[T any](o object, path ...string) T {
	var here any = o
	for _, key := range path {
		inner, _ := here.(object)
		here = inner[key]
	}
	found, _ := here.(T)
	return found
}

func objects(t *testing.T, text string) []object {
	t.Helper()
	var all []object
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var o object
		switch err := decoder.Decode(&o); {
		case err == io.EOF:
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, o)
	}
}

func encode(t *testing.T, all ...object) string {
	t.Helper()
	var text strings.Builder
	for _, o := range all {
		encoder := yaml.NewEncoder(&text)
		if err := encoder.Encode(o); err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n")
	}
	return text.String()
}

// apply makes what a folder renders to, strictly, and takes it away after the
// test. Namespaces stay: only a controller could finish their deletion.
func apply(t *testing.T, text string) []object {
	t.Helper()
	kubectl(t, text, "apply", "--server-side", "--validate=strict", "-f", "-")
	all := objects(t, text)
	var mortal []object
	for _, o := range all {
		if kind(o) != "Namespace" {
			mortal = append(mortal, o)
		}
	}
	t.Cleanup(func() {
		if _, err := api.Kubectl(context.Background(), encode(t, mortal...), "delete", "--wait=false", "-f", "-"); err != nil {
			t.Error(err)
		}
	})
	return all
}
