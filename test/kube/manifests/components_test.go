// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// with renders the folder bpfman-go with components.
func with(t *testing.T, components ...string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = filepath.Rel(dir, root); err != nil {
		t.Fatal(err)
	}
	text := "resources: [" + root + "/bpfman-go]\ncomponents:\n"
	for _, name := range components {
		text += "- " + root + "/" + name + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return render(t, dir)
}

func find(t *testing.T, all []object, what string) object {
	t.Helper()
	for _, o := range all {
		if kind(o) == what {
			return o
		}
	}
	t.Fatalf("no %s", what)
	return nil
}

func TestComponentsAreAdmittedAndReachThePod(t *testing.T) {
	set := find(t, apply(t, with(t, "selinux", "pull-secret")), "DaemonSet")
	kubectl(t, encode(t, pod(set)), "create", "--dry-run=server", "--validate=strict", "-f", "-")
	spec := at[object](set, "spec", "template", "spec")
	if got, want := at[object](spec, "securityContext"), (object{"seccompProfile": object{"type": "RuntimeDefault"}, "seLinuxOptions": object{"type": "spc_t"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("securityContext %v, want %v", got, want)
	}
	if got, want := at[[]any](spec, "imagePullSecrets"), []any{object{"name": "registry"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("imagePullSecrets %v, want %v", got, want)
	}
}

// What Prometheus scrapes is let in, and nothing else is.
func TestTheMetricsPortIsTheOneThatIsScrapedAndOpen(t *testing.T) {
	all := objects(t, with(t, "pod-monitor"))
	template := at[object](find(t, all, "DaemonSet"), "spec", "template")
	labels := at[object](template, "metadata", "labels")
	monitor, policy := find(t, all, "PodMonitor"), find(t, all, "NetworkPolicy")
	for _, selector := range []object{at[object](monitor, "spec", "selector", "matchLabels"), at[object](policy, "spec", "podSelector", "matchLabels")} {
		for name, value := range selector {
			if labels[name] != value {
				t.Errorf("%s=%v is selected, the pods have %v", name, value, labels[name])
			}
		}
	}
	ports := make(map[any]any)
	for _, c := range at[[]any](template, "spec", "containers") {
		for _, p := range at[[]any](c.(object), "ports") {
			ports[p.(object)["name"]] = p.(object)["containerPort"]
		}
	}
	scraped := at[[]any](monitor, "spec", "podMetricsEndpoints")[0].(object)["port"]
	rule := at[[]any](policy, "spec", "ingress")
	open := at[[]any](rule[0].(object), "ports")
	if len(rule) != 1 || len(open) != 1 || open[0].(object)["port"] != ports[scraped] || ports[scraped] == nil {
		t.Errorf("open is %v, scraped %v of %v", rule, scraped, ports)
	}
}

func TestEveryContainerTellsWhyItEnded(t *testing.T) {
	for _, dir := range append([]string{"writer"}, overlays...) {
		for _, o := range objects(t, render(t, folder+dir)) {
			if kind(o) != "DaemonSet" && kind(o) != "Job" {
				continue
			}
			spec := at[object](o, "spec", "template", "spec")
			for _, c := range append(at[[]any](spec, "initContainers"), at[[]any](spec, "containers")...) {
				if got := at[string](c.(object), "terminationMessagePolicy"); got != "FallbackToLogsOnError" {
					t.Errorf("%s: container %s: terminationMessagePolicy %q", dir, at[string](c.(object), "name"), got)
				}
			}
			if kind(o) == "DaemonSet" && !strings.HasPrefix(at[string](spec, "priorityClassName"), "system-") {
				t.Errorf("%s: priorityClassName %q", dir, at[string](spec, "priorityClassName"))
			}
		}
	}
}

func TestTheInstallFileIsTheFolder(t *testing.T) {
	if got, want := render(t, folder+"install"), render(t, folder+"bpfman-go"); got != want {
		t.Errorf("install differs from bpfman-go:\n%s", got)
	}
}
