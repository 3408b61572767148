// SPDX-License-Identifier: Apache-2.0

package image

import (
	"cmp"
	"maps"
	"regexp"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const source = "https://github.com/tcpresume/tcpresume"

// Meta says where an image comes from. It is part of the digest.
type Meta struct {
	Version  string // of tcpresume; left out if empty
	Revision string // of the source; left out if empty
	// Created is written on the image and on every file in it. The zero value
	// stands for 1970-01-01, so that the hour of a build does not change its digest.
	Created time.Time
}

func (m Meta) created() time.Time {
	if m.Created.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return m.Created.UTC().Truncate(time.Second)
}

// kind is what distinguishes our images from each other.
type kind struct{ title, description, licences string }

var (
	bytecodeImage = kind{"tcpresume-bytecode", "BPF programs of tcpresume, for bpfman", "GPL-2.0-only OR BSD-2-Clause"}
	agentImage    = kind{"tcpresume", "Lets TCP connections resume from saved congestion state", "Apache-2.0 AND (GPL-2.0-only OR BSD-2-Clause)"}
)

// annotations are those of the OCI image specification that registries show.
// Some read them from manifests and others from labels: they are in both.
func (m Meta) annotations(k kind) map[string]string {
	all := map[string]string{
		"org.opencontainers.image.title":       k.title,
		"org.opencontainers.image.description": k.description,
		"org.opencontainers.image.licenses":    k.licences,
		"org.opencontainers.image.source":      source,
		"org.opencontainers.image.version":     m.Version,
		"org.opencontainers.image.revision":    m.Revision,
	}
	maps.DeleteFunc(all, func(_, text string) bool { return text == "" })
	return all
}

var notInTag = regexp.MustCompile(`^[.-]+|[^A-Za-z0-9_.-]+`)

// tag is the version as registries allow tags.
func (m Meta) tag() string { return cmp.Or(notInTag.ReplaceAllString(m.Version, ""), "latest") }

func (m Meta) history(by string) v1.History {
	return v1.History{Created: v1.Time{Time: m.created()}, CreatedBy: by}
}
