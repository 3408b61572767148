// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strings"
	"testing"
)

// Each differs from an admitted manifest in what is said here only.
func TestWrongManifestsAreRefused(t *testing.T) {
	for name, wrong := range map[string]struct{ overlay, old, new, why string }{
		"a type that bpfman lacks": {
			"bpfman-go", "name: tcp_resume\n    tracepoint: {}\n    type: TracePoint", "name: tcp_resume\n    sockops: {}\n    type: SockOps",
			"spec.programs[0].sockops: field not declared in schema",
		},
		"an unknown type alone": {
			"bpfman-go", "name: tcp_resume\n    tracepoint: {}\n    type: TracePoint", "name: tcp_resume\n    tracepoint: {}\n    type: SockOps",
			`Unsupported value: "SockOps"`,
		},
		"another type's member": {
			"bpfman-go", "name: tcp_resume\n    tracepoint: {}\n    type: TracePoint", "name: tcp_resume\n    tracepoint: {}\n    type: TCX",
			"tcx configuration is required when type is tcx, and forbidden otherwise",
		},
		"no member": {
			"bpfman-go", "name: tcp_resume\n    tracepoint: {}\n    type: TracePoint", "name: tcp_resume\n    type: TracePoint",
			"tracepoint configuration is required when type is tracepoint, and forbidden otherwise",
		},
		"a tracepoint without a name": {
			"bpfman-0.6", "- name: tcp/tcp_send_reset", "- {}",
			"spec.programs[1].tracepoint.links[0].name: Required value",
		},
		"a tracepoint in a namespace": {
			"namespaced", "tcx: {}\n    type: TCX", "tracepoint: {}\n    type: TracePoint",
			"spec.programs[0].tracepoint: field not declared in schema",
		},
		"no program": {
			"namespaced", "  programs:\n  - name: tcp_resume\n    tcx: {}\n    type: TCX\n", "  programs: []\n",
			"spec.programs",
		},
		"two sources of bytecode": {
			"bpfman-go", "  byteCode:\n", "  byteCode:\n    path: /tcpresume.o\n",
			"spec.byteCode",
		},
		"a word in the wrong place": {
			"bpfman-go", "imagePullPolicy", "pullPolicy",
			"spec.byteCode.image.pullPolicy: field not declared in schema",
		},
		"a probe of a port that cannot be": {
			"bpfman-go", "port: health", "port: nowhere-at-all-but-too-long",
			"must be no more than 15 characters",
		},
	} {
		t.Run(name, func(t *testing.T) {
			apply(t, render(t, folder+"bpfman-go")) // the namespace must be there
			text := render(t, folder+wrong.overlay)
			changed := strings.Replace(text, wrong.old, wrong.new, 1)
			if changed == text {
				t.Fatalf("%q is not in the manifest:\n%s", wrong.old, text)
			}
			_, err := api.Kubectl(t.Context(), changed, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
			if err == nil || !strings.Contains(err.Error(), wrong.why) {
				t.Errorf("the API server said: %v\nwant %q in it", err, wrong.why)
			}
		})
	}
}
