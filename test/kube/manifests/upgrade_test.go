// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The script that brings a new bytecode image to the nodes leaves what was asked
// for, and takes the application away only while the agents keep what runs. No
// controller is here to wait for, so waiting is left out.
func TestTheUpgradeDeletesAndAppliesWhileAgentsKeep(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			apply(t, render(t, folder+overlay))
			bin := t.TempDir()
			log := filepath.Join(bin, "log")
			shim := `#!/bin/sh
args=$(kubectl.real -n tcpresume get ds tcpresume -o jsonpath='{.spec.template.spec.containers[0].args}' 2>/dev/null | grep -o 'on-unload=[a-z]*')
echo "$args: $*" >> "` + log + `"
case "$*" in *rollout*|*" wait "*) exit 0;; esac
exec kubectl.real "$@"
`
			if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte(shim), 0o700); err != nil {
				t.Fatal(err)
			}
			environ := api.Environ()
			real, err := exec.Command("env", append(append([]string{"-i"}, environ...), "sh", "-c", "command -v kubectl")...).Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(strings.TrimSpace(string(real)), filepath.Join(bin, "kubectl.real")); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", `PATH="`+bin+`:$PATH"; exec ../../../manifests/upgrade.sh "$0"`, folder+overlay)
			cmd.Env = environ
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			said, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			var order []string
			for line := range strings.Lines(string(said)) {
				switch keeps, rest, _ := strings.Cut(strings.TrimSpace(line), ": "); {
				case strings.Contains(rest, " delete "):
					order = append(order, "delete, "+keeps)
				case strings.HasPrefix(rest, "apply "):
					order = append(order, "apply, "+keeps)
				case strings.Contains(rest, "--for=condition"):
					order = append(order, "loaded, "+keeps)
				}
			}
			want := "delete, on-unload=keep; apply, on-unload=keep; loaded, on-unload=keep; apply, on-unload=keep"
			if got := strings.Join(order, "; "); got != want {
				t.Errorf("order: %s\n  want %s", got, want)
			}
			after := find(t, objects(t, kubectl(t, "", "get", "daemonset", "tcpresume", "-n", "tcpresume", "-o", "yaml")), "DaemonSet")
			if args := at[[]any](at[[]any](after, "spec", "template", "spec", "containers")[0].(object), "args"); args[2] != "--on-unload=down" {
				t.Errorf("arguments afterwards: %v", args)
			}
		})
	}
}
