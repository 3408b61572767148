// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// fileIDKernfs is FILEID_KERNFS of the kernel: a cgroup's handle is its id.
const fileIDKernfs = 0xfe

// CgroupRoot finds the mounted cgroup v2 hierarchy, which hybrid hosts have
// elsewhere than at /sys/fs/cgroup.
func CgroupRoot() (string, error) {
	root, _, err := cgroupRoot()
	return root, err
}

// rootCgroup is the id of the cgroup that holds all others.
const rootCgroup = 1

// cgroupRoot also reports whether what is mounted is the whole hierarchy: of
// several mounts that one is taken, not a bind mount of a part.
func cgroupRoot() (root string, whole bool, err error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil {
		return "", false, fmt.Errorf("reading mountinfo: %w", err)
	}
	slices.SortStableFunc(mounts, func(a, b *mountinfo.Info) int { return len(a.Root) - len(b.Root) })
	for _, mount := range mounts {
		if !isCgroup(mount.Mountpoint) {
			continue // another mount hides it
		}
		if id, err := cgroupID(mount.Mountpoint); err == nil && id == rootCgroup {
			return mount.Mountpoint, true, nil
		}
		if root == "" {
			root = mount.Mountpoint
		}
	}
	if root == "" {
		err = errors.New("no cgroup v2 is mounted; run \"mount -t cgroup2 none /sys/fs/cgroup/unified\", or boot with cgroup v2")
	}
	return root, false, err
}

// partOfCgroups says that "all" is not all.
func partOfCgroups(root string) string {
	return root + " is a part of the cgroup v2 hierarchy, and no mount of the whole is to be seen from here: connections of other cgroups do not resume"
}

func isCgroup(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

// findCgroup checks the directory a user named, or takes the root.
func findCgroup(path string) (string, error) {
	if path == "" {
		return CgroupRoot()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return "", fmt.Errorf("cgroup %s: %w; name a directory of the cgroup v2 hierarchy with --cgroup", path, err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return "", fmt.Errorf("%s is not on cgroup v2; name a directory below the mount point that \"findmnt -t cgroup2\" shows", path)
	}
	return path, nil
}

func cgroupID(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
}

// cgroupPath is the inverse of cgroupID; empty if the cgroup is gone.
func cgroupPath(id uint64) string {
	fd, err := openCgroup(id)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return ""
	}
	return path
}

// cgroupGone is false where the kernel refuses to tell.
func cgroupGone(id uint64) bool {
	fd, err := openCgroup(id)
	if err == nil {
		unix.Close(fd)
	}
	return id == 0 || errors.Is(err, unix.ESTALE)
}

func openCgroup(id uint64) (int, error) {
	root, err := CgroupRoot()
	if err != nil {
		return -1, err
	}
	dir, err := os.Open(root)
	if err != nil {
		return -1, err
	}
	defer dir.Close()
	handle := unix.NewFileHandle(fileIDKernfs, binary.NativeEndian.AppendUint64(nil, id))
	return unix.OpenByHandleAt(int(dir.Fd()), handle, unix.O_RDONLY|unix.O_CLOEXEC)
}
