// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
)

// App is an application as bpfman-operator's agent on one node sees it.
type App struct {
	Name      string
	Namespace string // empty: cluster scope
	Node      string
}

// Loaded is a program with its id in the kernel; 0 leaves the id out.
type Loaded struct {
	Name, Type string
	ID         uint32
}

// resource is the kind of the state object, and what kubectl calls it.
func (a App) resource() (kind, name string) {
	if a.Namespace == "" {
		return "ClusterBpfApplicationState", "clusterbpfapplicationstates.bpfman.io"
	}
	return "BpfApplicationState", "bpfapplicationstates.bpfman.io"
}

// object is the state object's name: the application's with eight digits.
func (a App) object() string {
	sum := fnv.New32a()
	fmt.Fprint(sum, a)
	return fmt.Sprintf("%s-%08x", a.Name, sum.Sum32())
}

// CreateState creates the state object as bpfman-operator v0.6.0 does, at first
// without a status.
func (c *Cluster) CreateState(ctx context.Context, app App) error {
	kind, _ := app.resource()
	metadata := map[string]any{
		"name":       app.object(),
		"labels":     map[string]string{"bpfman.io/ownedByProgram": app.Name, "kubernetes.io/hostname": app.Node},
		"finalizers": []string{"bpfman.io.clusterbpfapplicationcontroller/finalizer"},
	}
	if app.Namespace != "" {
		metadata["namespace"] = app.Namespace
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "bpfman.io/v1alpha1", "kind": kind, "metadata": metadata})
	if err != nil {
		return err
	}
	_, err = c.Kubectl(ctx, string(text), "create", "--validate=strict", "-f", "-")
	return err
}

// SetState writes the status, as the operator's agent does after each round.
func (c *Cluster) SetState(ctx context.Context, app App, load string, programs ...Loaded) error {
	c.updates++
	var list []map[string]any
	for _, p := range programs {
		member := map[string]string{"TracePoint": "tracepoint", "TCX": "tcx"}[p.Type]
		entry := map[string]any{"name": p.Name, "type": p.Type, "programLinkStatus": "Success", member: map[string]any{}}
		if p.ID != 0 {
			entry["programId"] = p.ID
		}
		list = append(list, entry)
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"node": app.Node, "updateCount": c.updates, "appLoadStatus": load, "programs": list,
	}})
	if err != nil {
		return err
	}
	_, err = c.stateCommand(ctx, app, "patch", "--subresource=status", "--type=merge", "--patch="+string(patch))
	return err
}

// DeleteState asks for the deletion, which the finalizer holds up until ReleaseState.
func (c *Cluster) DeleteState(ctx context.Context, app App) error {
	_, err := c.stateCommand(ctx, app, "delete", "--wait=false")
	return err
}

// ReleaseState takes the finalizer away: the agent has unloaded the programs.
func (c *Cluster) ReleaseState(ctx context.Context, app App) error {
	_, err := c.stateCommand(ctx, app, "patch", "--type=merge", `--patch={"metadata":{"finalizers":null}}`)
	return err
}

func (c *Cluster) stateCommand(ctx context.Context, app App, verb string, flags ...string) (string, error) {
	_, resource := app.resource()
	args := append([]string{verb, resource, app.object()}, flags...)
	if app.Namespace != "" {
		args = append(args, "--namespace="+app.Namespace)
	}
	return c.Kubectl(ctx, "", args...)
}
