// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/kube"
	"github.com/tcpresume/tcpresume/pkg/operator"
)

const (
	envApplication = "TCPRESUME_APPLICATION"
	envNamespace   = "TCPRESUME_NAMESPACE"
	envNode        = "NODE_NAME"
	envKubeconfig  = "KUBECONFIG"
)

// operatorFlags say which application of bpfman-operator is ours, for every
// verb that asks what bpfman has loaded.
type operatorFlags struct{ application, namespace, node, kubeconfig string }

func (f *operatorFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.application, "application", "", "`NAME` of the ClusterBpfApplication that loads tcpresume: ask bpfman-operator (default $"+envApplication+")")
	flags.StringVar(&f.namespace, "namespace", "", "`NAMESPACE`, if it is a BpfApplication (default $"+envNamespace+")")
	flags.StringVar(&f.node, "node", "", "`NAME` of this node in Kubernetes (default $"+envNode+")")
	addPath(flags, &f.kubeconfig, "kubeconfig", "`FILE` that leads to the API server (default $"+envKubeconfig+", or the pod's service account)")
	_ = cmd.MarkFlagFilename("kubeconfig")
}

func (f *operatorFlags) named() bool { return f.target().Application != "" }

func (f *operatorFlags) target() kube.Target {
	return kube.Target{
		Application: cmp.Or(f.application, os.Getenv(envApplication)),
		Namespace:   cmp.Or(f.namespace, os.Getenv(envNamespace)),
		Node:        cmp.Or(f.node, os.Getenv(envNode)),
	}
}

// addSource lets the operator answer before others are asked.
func (f *operatorFlags) addSource(cmd *cobra.Command, to *bpfman.Options) error {
	if !f.named() {
		return nil
	}
	target := f.target()
	if target.Node == "" {
		return input(errors.New("--application: which node is this? Give --node, or set " + envNode))
	}
	client, err := kube.New(cmp.Or(f.kubeconfig, envPath(envKubeconfig)))
	if err != nil {
		return err
	}
	to.Sources = append(to.Sources, operator.Follow(cmd.Context(), client, target, teller(cmd)))
	return nil
}

// mayAdd is addSource for verbs that have more to show.
func (f *operatorFlags) mayAdd(cmd *cobra.Command, to *bpfman.Options) {
	if err := f.addSource(cmd, to); err != nil {
		teller(cmd)("note: " + errorLine(err))
	}
}

// teller prints a line for people about what happens while a verb runs.
func teller(cmd *cobra.Command) func(string) {
	return func(words string) { fmt.Fprintln(cmd.ErrOrStderr(), words) }
}
