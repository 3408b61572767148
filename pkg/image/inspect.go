// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Report says what is in an image and what each bpfman makes of it.
type Report struct {
	Name string `json:"name"`
	Summary
	Annotations map[string]string `json:"annotations,omitempty"`
	Images      []Image           `json:"images"`
	Findings    []Finding         `json:"findings"`
}

// Image is what a machine of one platform would load.
type Image struct {
	Platform string            `json:"platform"` // "any" for an image that is not in an index
	Digest   string            `json:"digest"`
	Layer    string            `json:"layer"` // digest
	File     string            `json:"file"`
	Bytes    int64             `json:"bytes"` // of the file
	Order    ByteOrder         `json:"byte_order"`
	Programs map[string]string `json:"programs"` // as the object has them, not the labels
	Maps     map[string]string `json:"maps"`
	// Refusals has the reason for each generation that does not load it.
	Refusals map[Generation]string `json:"refusals"`
}

// Problems counts the findings that make the image unfit.
func (r Report) Problems() int {
	n := 0
	for _, f := range r.Findings {
		if f.Status == Problem {
			n++
		}
	}
	return n
}

const anyPlatform = "any"

// Inspect fetches the first layer of each image and judges it. An error means
// that the source could not be read; what is wrong with an image is a finding.
func Inspect(src *Source) (Report, error) {
	summary, err := src.Summary()
	if err != nil {
		return Report{}, err
	}
	report := Report{Name: src.Name, Summary: summary, Images: []Image{}}
	if src.plainHTTP {
		report.Findings = append(report.Findings, noted("registry", "answers plain HTTP: bpfman 0.6 speaks TLS only, the Go bpfman TLS beyond its own machine", pullElsewhere))
	}
	if src.index == nil {
		err := report.alone(src)
		return report, err
	}
	manifest, err := src.index.IndexManifest()
	if err != nil {
		return Report{}, err
	}
	report.Annotations = manifest.Annotations
	if err := report.index(src, manifest); err != nil {
		return Report{}, err
	}
	report.finish()
	return report, nil
}

func (r *Report) alone(src *Source) error {
	img := src.image
	if err := src.whole(img, "the image"); errors.Is(err, ErrIncomplete) {
		r.Findings = append(r.Findings, refused("index", err.Error(), copyAll, generations...))
		r.finish()
		return nil
	}
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	r.Annotations = manifest.Annotations
	if err := r.add(anyPlatform, "", img); err != nil {
		return err
	}
	fits := ""
	if order := r.Images[0].Order; order != "" {
		fits = fmt.Sprintf(" and fits %s-endian ones only", order)
	}
	r.Findings = append(r.Findings, noted("index", "none: the image is offered to every machine"+fits, rebuild))
	r.finish()
	return nil
}

// index judges what each machine is given: the first entry of its platform.
func (r *Report) index(src *Source, manifest *v1.IndexManifest) error {
	seen := make(map[string]bool)
	for _, d := range manifest.Manifests {
		switch {
		case attests(d):
			r.Findings = append(r.Findings, passed("index", fmt.Sprintf("%s tells of another entry and is never loaded", d.Digest)))
			continue
		case d.Platform == nil || d.Platform.OS != linux:
			r.Findings = append(r.Findings, noted("index", fmt.Sprintf("%s is for no machine with Linux and never loaded", d.Digest), ""))
			continue
		case seen[d.Platform.Architecture]:
			r.Findings = append(r.Findings, noted("index", fmt.Sprintf("%s is a second entry for %s and never loaded: variants are not looked at", d.Digest, d.Platform), ""))
			continue
		}
		seen[d.Platform.Architecture] = true
		platform := linux + "/" + d.Platform.Architecture
		if !d.MediaType.IsImage() {
			r.Findings = append(r.Findings, at(platform, refused("index", fmt.Sprintf("the entry is no image but %s", d.MediaType), rebuild, generations...)))
			continue
		}
		img, err := src.openImage(d)
		if errors.Is(err, ErrIncomplete) {
			r.Findings = append(r.Findings, refused("index", err.Error(), copyAll, generations...))
			continue
		}
		if err != nil {
			return err
		}
		if err := r.add(platform, d.Platform.Architecture, img); err != nil {
			return err
		}
	}
	var lacking []string
	for _, architecture := range Architectures {
		if !seen[architecture] {
			lacking = append(lacking, architecture)
		}
	}
	if len(lacking) > 0 {
		r.Findings = append(r.Findings, noted("index", "nothing for "+strings.Join(lacking, ", "), rebuild))
	} else {
		r.Findings = append(r.Findings, passed("index", "has every architecture that tcpresume is made for"))
	}
	return nil
}

func (r *Report) add(platform, architecture string, img v1.Image) error {
	judged, findings, err := judge(architecture, img)
	if err != nil {
		return fmt.Errorf("%s: %w", platform, err)
	}
	judged.Platform, judged.Refusals = platform, make(map[Generation]string)
	for _, g := range generations {
		if why := refusal(findings, g); why != "" {
			judged.Refusals[g] = why
		}
	}
	r.Images = append(r.Images, judged)
	for _, f := range findings {
		r.Findings = append(r.Findings, at(platform, f))
	}
	return nil
}

func at(platform string, f Finding) Finding {
	f.Platforms = []string{platform}
	return f
}

func (r *Report) finish() {
	if len(r.Images) == 0 {
		r.Findings = append(r.Findings, refused("index", "no image for any machine with Linux", rebuild, generations...))
	}
	r.Findings = merge(r.Findings)
}
