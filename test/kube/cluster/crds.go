// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// CRDsEnv names a folder with the CRDs of bpfman-operator.
const CRDsEnv = "CRDS"

// besideProject is such a folder beside the project's root; where neither is, the
// same files are fetched from their source.
const (
	besideProject = "shared/crds"
	crdsSource    = "https://raw.githubusercontent.com/bpfman/bpfman-operator/824b0d777c6acbf8ac812e2bf2ccf76b181a2091/config/crd/bases/"
)

var crdFiles = []string{
	"bpfman.io_bpfapplications.yaml", "bpfman.io_bpfapplicationstates.yaml",
	"bpfman.io_clusterbpfapplications.yaml", "bpfman.io_clusterbpfapplicationstates.yaml",
}

// FindCRDs returns a folder with the CRDs, which may be into, and asks before
// anything that takes long is built.
func FindCRDs(ctx context.Context, root, into string) (string, error) {
	if dir := os.Getenv(CRDsEnv); dir != "" {
		if err := holdsCRDs(dir); err != nil {
			return "", fmt.Errorf("%s=%s: %w", CRDsEnv, dir, err)
		}
		return dir, nil
	}
	if dir := filepath.Join(filepath.Dir(root), besideProject); holdsCRDs(dir) == nil {
		return dir, nil
	}
	client := http.Client{Timeout: 30 * time.Second}
	for _, name := range crdFiles {
		if err := fetchTo(ctx, client, crdsSource+name, filepath.Join(into, name)); err != nil {
			return "", fmt.Errorf("the CRDs of bpfman-operator: %w; %s=dir names a folder that holds them", err, CRDsEnv)
		}
	}
	return into, nil
}

func holdsCRDs(dir string) error {
	for _, name := range crdFiles {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("no CRD of bpfman-operator: %w", err)
		}
	}
	return nil
}

func fetchTo(ctx context.Context, client http.Client, url, path string) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, reply.Status)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, reply.Body)
	return errors.Join(err, file.Close())
}
