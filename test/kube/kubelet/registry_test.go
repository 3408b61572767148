// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tcpresume/tcpresume/test/lab"
)

// images is a registry that answers for every other one.
type images struct {
	host   string
	server *http.Server
	dial   http.RoundTripper
}

// openRegistry listens inside the node's network.
func openRegistry(at *lab.Host) (*images, error) {
	var listener net.Listener
	err := at.Do(func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(at.IPv4.String(), "0"))
		return err
	})
	if err != nil {
		return nil, err
	}
	i := &images{host: listener.Addr().String(), server: &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}}
	go func() { _ = i.server.Serve(listener) }()
	dialer := net.Dialer{}
	i.dial = &http.Transport{DisableKeepAlives: true, Dial: func(network, address string) (conn net.Conn, err error) {
		err = at.Do(func() error {
			conn, err = dialer.Dial(network, address)
			return err
		})
		return conn, err
	}}
	return i, nil
}

func (i *images) reference(image string) (name.Reference, error) {
	return name.ParseReference(i.host+"/"+image, name.Insecure)
}

// busybox is an image of one static program: the sandbox of every pod, and the
// ordinary pods themselves.
func (i *images) busybox() error {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return fmt.Errorf("%w; apt-get install busybox-static", err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = errors.Join(w.WriteHeader(&tar.Header{Name: "bin/busybox", Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg}))
	if err == nil {
		_, err = w.Write(program)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: architecture, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(image)},
		Config: v1.Config{Entrypoint: []string{"/bin/busybox"}, Cmd: []string{"sleep", "infinity"}, Env: []string{"PATH=/bin"}},
	})
	if err != nil {
		return err
	}
	reference, err := i.reference("busybox:1")
	if err != nil {
		return err
	}
	return remote.Write(reference, image, remote.WithTransport(i.dial))
}

func diffIDs(image v1.Image) []v1.Hash {
	config, err := image.ConfigFile()
	if err != nil {
		return nil
	}
	return config.RootFS.DiffIDs
}

// agent sends what "make images" has made, under a tag, with a note that gives
// each tag a digest of its own.
func (i *images) agent(dir, tag string) error {
	path, err := layout.FromPath(dir)
	if err != nil {
		return fmt.Errorf("%w; \"make images\" makes it", err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return err
	}
	inner, err := onlyIndex(index)
	if err != nil {
		return err
	}
	noted := mutate.Annotations(inner, map[string]string{"org.opencontainers.image.ref.name": tag}).(v1.ImageIndex)
	reference, err := i.reference("tcpresume/tcpresume:" + tag)
	if err != nil {
		return err
	}
	return remote.WriteIndex(reference, noted, remote.WithTransport(i.dial))
}

// onlyIndex is the one index that a layout holds.
func onlyIndex(index v1.ImageIndex) (v1.ImageIndex, error) {
	found, err := partial.FindIndexes(index, func(v1.Descriptor) bool { return true })
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("the layout holds %d indexes, not one", len(found))
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}
