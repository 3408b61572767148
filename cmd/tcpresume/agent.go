// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	envSockets    = "TCPRESUME_SOCKETS"
	defaultConfig = "/etc/tcpresume/agent.yaml"
)

// agentFlags are those of every verb that serves.
type agentFlags struct {
	config  string
	metrics string
	fleet   string
}

func (f *agentFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.addFleet(cmd)
	flags.StringVar(&f.metrics, "metrics", "", "`ADDRESS` of a TCP port for /metrics and /healthz, as in 127.0.0.1:9959 (default none)")
}

// addFleet is for verbs that ask the fleet's servers by themselves, too.
func (f *agentFlags) addFleet(cmd *cobra.Command) {
	flags := cmd.Flags()
	addPath(flags, &f.config, "config", "`FILE` that says who may report what (default "+defaultConfig+" if it is there)")
	flags.StringVar(&f.fleet, "fleet", "", "`URLS` of the NATS servers by which machines share paths, as in nats://nats.example:4222 (default the configuration's)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
}

// addSocketDir is for verbs that serve the sockets or ask them.
func (g *global) addSocketDir(flags *pflag.FlagSet) {
	addPath(flags, &g.sockets, "socket-dir", "`DIR` of the agent's sockets (default "+resume.SocketDir+")")
}

func (g *global) socketDir() string {
	return cmp.Or(g.sockets, envPath(envSockets), resume.SocketDir)
}

func newAgent(g *global) *cobra.Command {
	var (
		f     agentFlags
		check bool
	)
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Take reports from the servers of this machine",
		Long: `Take reports of congestion state from the QUIC servers of this machine, over
` + resume.SocketDir + `/` + resume.ReportSocket + ` (Unix datagrams) and ` + resume.SocketDir + `/` + resume.APISocket + ` (HTTP), and store what they
are worth, until Ctrl-C or SIGTERM. SIGHUP reads the configuration again.

The agent needs no right but to the pinned maps. While there are none it waits,
says so, and refuses reports as "waiting"; it takes up those that come, also in
the place of others. A stopped or killed agent loses no path, and connections
never wait for it. Without a configuration root and the agent's own user may report.

With --fleet, or a section "fleet" in the configuration, this machine shares its
paths with others by NATS; see docs/fleet.md.`,
		Example: `  tcpresume agent
  tcpresume agent --config agent.yaml --check
  tcpresume agent --metrics 127.0.0.1:9959
  tcpresume agent --fleet nats://nats.example:4222`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := f.read()
			if err == nil {
				_, err = f.check(config)
			}
			if err != nil {
				return input(err)
			}
			if check {
				return g.print(cmd, map[string]int{"callers": len(config.Callers)}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "the configuration is right: %s beside root\n", plural(len(config.Callers), "caller", "callers"))
					return err
				})
			}
			return g.serve(cmd, config, f)
		},
	}
	f.add(cmd)
	g.addSocketDir(cmd.Flags())
	cmd.Flags().BoolVar(&check, "check", false, "read the configuration and the files that it names, say what is wrong with them, and end")
	return cmd
}

// read reads the configuration; the default file may be missing.
func (f agentFlags) read() (agent.Config, error) {
	config, err := agent.ReadConfig(cmp.Or(f.config, defaultConfig))
	if f.config == "" && errors.Is(err, fs.ErrNotExist) {
		return agent.DefaultConfig(), nil
	}
	return config, err
}
