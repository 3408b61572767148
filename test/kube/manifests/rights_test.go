// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

const account = "system:serviceaccount:tcpresume:tcpresume"

var verbs = []string{
	"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
	"bind", "escalate", "impersonate", "approve", "sign", "use",
}

// everybody may ask who he is and what he may (role system:basic-user).
var everybody = []string{
	"create selfsubjectaccessreviews.authorization.k8s.io",
	"create selfsubjectreviews.authentication.k8s.io",
	"create selfsubjectrulesreviews.authorization.k8s.io",
}

func TestTheServiceAccountMayDoThisAndNothingElse(t *testing.T) {
	reads := func(resource string) []string {
		return []string{"get " + resource, "list " + resource, "watch " + resource}
	}
	for overlay, rights := range map[string]struct{ ours, elsewhere []string }{
		"bpfman-go":  {ours: reads("clusterbpfapplicationstates.bpfman.io"), elsewhere: reads("clusterbpfapplicationstates.bpfman.io")},
		"bpfman-0.6": {ours: reads("clusterbpfapplicationstates.bpfman.io"), elsewhere: reads("clusterbpfapplicationstates.bpfman.io")},
		"namespaced": {ours: reads("bpfapplicationstates.bpfman.io")},
	} {
		t.Run(overlay, func(t *testing.T) {
			apply(t, render(t, folder+overlay))
			for namespace, want := range map[string][]string{"tcpresume": rights.ours, "kube-system": rights.elsewhere} {
				for _, right := range want {
					verb, resource, _ := strings.Cut(right, " ")
					args := []string{"auth", "can-i", verb, resource, "--as=" + account}
					if strings.HasPrefix(resource, "cluster") {
						args = append(args, "--all-namespaces")
					} else {
						args = append(args, "--namespace="+namespace)
					}
					if out := kubectl(t, "", args...); strings.TrimSpace(out) != "yes" {
						t.Errorf("can-i %s in %s: %s", right, namespace, out)
					}
				}
				want = slices.Sorted(slices.Values(append(slices.Clone(want), everybody...)))
				if got := allowed(t, namespace); !slices.Equal(got, want) {
					t.Errorf("in %s it may\n%s\nwant\n%s", namespace, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		})
	}
}

// allowed asks for every verb on every resource, sub-resources among them.
func allowed(t *testing.T, namespace string) []string {
	t.Helper()
	may := make(map[string]bool)
	for _, resource := range resources(t) {
		for _, verb := range verbs {
			name, group, _ := strings.Cut(resource, ".")
			name, sub, _ := strings.Cut(name, "/")
			review, err := json.Marshal(object{
				"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
				"spec": object{
					"user": account, "groups": []string{"system:serviceaccounts", "system:serviceaccounts:tcpresume", "system:authenticated"},
					"resourceAttributes": object{"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": sub},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			text, err := api.Post(t.Context(), "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct{ Status struct{ Allowed bool } }
			if err := json.Unmarshal(text, &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Status.Allowed {
				may[verb+" "+resource] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(may))
}

func resources(t *testing.T) []string {
	t.Helper()
	found := strings.Fields(kubectl(t, "", "api-resources", "-o", "name"))
	if len(found) < 50 {
		t.Fatalf("only %d resources: %v", len(found), found)
	}
	return append(found, "pods/exec", "pods/log", "serviceaccounts/token", "nodes/proxy", "*", "*.bpfman.io",
		"clusterbpfapplicationstates/status.bpfman.io", "bpfapplicationstates/status.bpfman.io")
}
