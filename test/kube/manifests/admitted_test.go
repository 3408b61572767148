// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryManifestIsAdmittedStrictly(t *testing.T) {
	for _, dir := range append([]string{"writer"}, overlays...) {
		t.Run(dir, func(t *testing.T) {
			for _, o := range apply(t, render(t, folder+dir)) {
				if kind(o) == "DaemonSet" || kind(o) == "Job" {
					kubectl(t, encode(t, pod(o)), "create", "--dry-run=server", "--validate=strict", "-f", "-")
				}
			}
		})
	}
}

// pod is what a controller would make of a workload: only pods meet the
// admission of pod security.
func pod(workload object) object {
	template := at[object](workload, "spec", "template")
	return object{
		"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
		"metadata": object{"name": "one", "namespace": at[string](workload, "metadata", "namespace"), "labels": at[object](template, "metadata", "labels")},
	}
}

func TestTheAgentNeedsTheNamespaceItGets(t *testing.T) {
	apply(t, render(t, folder+"writer"))
	for _, o := range objects(t, render(t, folder+"bpfman-go")) {
		if kind(o) != "DaemonSet" {
			continue
		}
		agent := pod(o)
		agent["metadata"].(object)["namespace"] = "tcpresume-writer"
		agent["spec"].(object)["serviceAccountName"] = "writer"
		_, err := api.Kubectl(t.Context(), encode(t, agent), "create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
			t.Errorf("a restricted namespace said: %v", err)
		}
	}
}

// The operator's Config exists already, with fields that are not ours.
func TestAirGappedChangesOneFieldOfTheOperatorsConfig(t *testing.T) {
	kubectl(t, "", "create", "-f", "testdata/config-crd.yaml")
	t.Cleanup(func() { kubectlAfter(t, "delete", "-f", "testdata/config-crd.yaml") })
	kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/configs.bpfman.io")
	kubectl(t, "", "create", "--field-manager=bpfman-operator", "-f", "testdata/config.yaml")
	before := objects(t, kubectl(t, "", "get", "config.bpfman.io", "bpfman-config", "-o", "yaml"))[0]
	kubectl(t, "", "apply", "--server-side", "--force-conflicts", "--validate=strict", "-k", folder+"air-gapped")
	after := objects(t, kubectl(t, "", "get", "config.bpfman.io", "bpfman-config", "-o", "yaml"))[0]

	text := at[string](after, "spec", "configuration")
	if !strings.Contains(text, "verify_enabled = false") || strings.Contains(text, "verify_enabled = true") {
		t.Errorf("the configuration is now\n%s", text)
	}
	want := at[object](before, "spec")
	want["configuration"] = text
	if got := at[object](after, "spec"); encode(t, got) != encode(t, want) {
		t.Errorf("the rest of the Config became\n%s\nwant\n%s", encode(t, got), encode(t, want))
	}
}

func TestImagesAreReplacedByDigest(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, overlay := range overlays {
		dir := t.TempDir()
		base, err := filepath.Abs(folder + overlay)
		if err != nil {
			t.Fatal(err)
		}
		if base, err = filepath.Rel(dir, base); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(`resources: [`+base+`]
components: [`+filepath.Dir(base)+`/bytecode]
images:
- {name: ghcr.io/tcpresume/tcpresume-bytecode, newName: registry.example.com/tcpresume-bytecode, digest: "`+digest[1:]+`"}
- {name: ghcr.io/tcpresume/tcpresume, newName: registry.example.com/tcpresume, digest: "`+digest[1:]+`"}
`), 0o600); err != nil {
			t.Fatal(err)
		}
		text := render(t, dir)
		for _, image := range []string{"url: registry.example.com/tcpresume-bytecode" + digest, "image: registry.example.com/tcpresume" + digest} {
			if !strings.Contains(text, image) {
				t.Errorf("%s: %s is missing", overlay, image)
			}
		}
		if strings.Contains(text, "ghcr.io") {
			t.Errorf("%s: an image still comes from outside", overlay)
		}
	}
}
