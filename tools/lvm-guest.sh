#!/bin/bash
# Build a guest with a real device-mapper, LVM's tools and Python from Debian packages.
#
#   tools/lvm-guest.sh OUTDIR [CACHEDIR]
#
# OUTDIR/vmlinuz initrd.img   boot directly
# OUTDIR/root.ext4            the root file system, on /dev/vda; never written to by a run
# CACHEDIR                    keeps the packages that were downloaded (default OUTDIR/cache)
#
# The packages are fetched by this machine's apt from where it fetches its own (sources, proxies
# and keys are its own), and are unpacked, never installed: nothing of them runs here, and no root
# is needed.
#
# The guest mounts the shares (virtiofs) that its command line names, "share=TAG:DIRECTORY", runs
# /bin/sh with "run=SCRIPT,ARGUMENT,...", writes "exit=STATUS" to its second serial port and powers
# off.  /dev/vdb and those that follow are empty disks.
#
# Exit status: 0 built, 2 wrong use, 3 a Debian package is missing, 1 anything else.
set -euo pipefail

PACKAGES="bash coreutils dash e2fsprogs grep iproute2 kmod lvm2 mount nfs-common nfs-kernel-server
 python3 qemu-utils sed thin-provisioning-tools util-linux"
# drawn in by the scripts that install packages, which never run here
UNUSED="perl perl-modules- libperl adduser debconf usrmerge libsemanage libsepol"
KERNEL=linux-image-cloud-amd64
# of this only the storage daemon is taken, which needs no more than qemu-img
DAEMON=qemu-system-common
# until there is a root file system, and after
EARLY="virtio_pci virtio_blk ext4"
LATE="virtiofs dm_mod dm_snapshot dm_thin_pool loop virtio_rng nfsd nfsv4
 8021q bonding bridge veth virtio_net sch_htb sch_ingress cls_u32 cls_flower act_mirred"
ROOT_MIB=768

fail() { echo "lvm-guest: $2" >&2; exit "$1"; }

[ $# -ge 1 ] && [ $# -le 2 ] || fail 2 "use: lvm-guest.sh OUTDIR [CACHEDIR]"
mkdir -p "$1" "${2:-$1/cache}"
out=$(cd "$1" && pwd)
cache=$(cd "${2:-$1/cache}" && pwd)
PATH=$PATH:/usr/sbin:/sbin

missing=""
need() {    # need PACKAGE COMMAND
  command -v "$2" >/dev/null || missing="$missing $1"
}
need cpio cpio
need e2fsprogs mke2fs
need kmod depmod
busybox=$(command -v busybox || true)
# a busybox that needs shared libraries is of no use before the root file system is there
if [ -z "$busybox" ] || head -c 4096 "$busybox" | grep -q ld-linux; then
  missing="$missing busybox-static"
fi
[ -z "$missing" ] || fail 3 "missing Debian packages; run: apt-get install -y$missing"

work=$(mktemp -d "$out/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# -- fetch ------------------------------------------------------------------------------------
mkdir -p "$work/archives/partial"
: >"$work/status"
# an empty status: apt takes what a machine without any package would need
fetch() {
  apt-get -qq -y -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Install-Recommends=false \
    -o APT::Sandbox::User="$(id -un)" --download-only install "$@" >"$work/log" 2>&1
}
# what an earlier build has fetched is not fetched again, if it is still what apt would take
find "$cache" -maxdepth 1 -name '*.deb' -exec cp -t "$work/archives" {} +
# shellcheck disable=SC2086
if ! fetch $PACKAGES; then
  if [ "$(id -u)" = 0 ]; then apt-get -qq update >"$work/log" 2>&1 || true; fi
  fetch $PACKAGES || { cat "$work/log" >&2
    fail 1 "apt can't fetch the guest's packages; run apt-get update and try again"; }
fi
image=$(apt-cache depends $KERNEL 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }')
[ -n "$image" ] || fail 3 "apt knows no package $KERNEL; run apt-get update and try again"
for package in "$image" $DAEMON; do
  ls "$work/archives/${package}_"*.deb >/dev/null 2>&1 && continue
  (cd "$work/archives" &&
   apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package" >"$work/log" 2>&1) ||
    { cat "$work/log" >&2; fail 1 "can't download $package; run apt-get update and try again"; }
done
find "$work/archives" -maxdepth 1 -name '*.deb' -exec cp -n -t "$cache" {} +

# -- the kernel -------------------------------------------------------------------------------
kernel=$work/kernel
mkdir "$kernel"
deb=$(find "$work/archives" -name "${image}_*.deb" | sort -V | tail -n 1)
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$kernel" ./boot ./lib/modules
version=$(ls "$kernel/lib/modules")
depmod -b "$kernel" "$version"
modules() {    # modules NAME...: the files, in the order in which they are loaded
  local name
  for name in "$@"; do
    modprobe -S "$version" -d "$kernel" --show-depends "$name" 2>/dev/null || true
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# -- the root file system ---------------------------------------------------------------------
root=$work/root
mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,run,tmp,root,var,etc,share}
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
# only what apt would take now: the cache may hold what was taken before
mkdir -p "$work/none/partial"
# shellcheck disable=SC2086
wanted=$(apt-get -qq -y -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/none" \
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Install-Recommends=false \
  --print-uris install $PACKAGES | awk '{ print $2 }')
for name in $wanted; do
  for unused in $UNUSED; do case $name in "$unused"_*|"${unused%-}"-*) continue 2;; esac; done
  dpkg-deb --fsys-tarfile "$work/archives/$name" |
    tar -x -C "$root" --keep-directory-symlink --no-same-owner --exclude='./usr/share/doc/*' \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./dev/*'
done
deb=$(find "$work/archives" -name "${DAEMON}_*.deb" | sort -V | tail -n 1)
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner ./usr/bin/qemu-storage-daemon
mkdir -p "$root/lib/modules"
modules $LATE | while read -r path; do
  cp "$path" "$root/lib/modules/"
  basename "$path" >>"$root/lib/modules/order"
done
cat >"$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/bash
mycloud:x:990:990::/run/mycloud:/bin/false
nobody:x:65534:65534::/:/bin/false
PASSWD
printf 'root:x:0:\ndisk:x:6:\nmycloud:x:990:\nnogroup:x:65534:\n' >"$root/etc/group"
printf '127.0.0.1 localhost lvm-guest\n' >"$root/etc/hosts"
cp "$busybox" "$root/bin/busybox"
# nobody watches the guest's pools, and nobody restores its groups; its tools make the device
# nodes by themselves, for udev's rules cost an emulated processor more than all the rest
cat >"$root/etc/lvm/lvm.conf" <<'LVM'
activation { monitoring = 0
 reserved_memory = 64
 udev_sync = 0
 udev_rules = 0 }
devices { obtain_device_list_from_udev = 0 }
backup { backup = 0
 archive = 0 }
global { use_lvmpolld = 0 }
LVM
cat >"$root/sbin/guest-init" <<'INIT'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/lock /run/lvm
busybox ip link set lo up
# it finds its own state there; nothing below is kept
mount -t tmpfs tmpfs /share
# what the initramfs has loaded is there already
while read -r module; do
  # it would make a bond that nobody has asked for
  case $module in bonding.*) words=max_bonds=0;; *) words=;; esac
  insmod "/lib/modules/$module" $words 2>/dev/null
done </lib/modules/order
echo lvm-guest >/proc/sys/kernel/hostname
run=/bin/false
for word in $(cat /proc/cmdline); do
  case $word in
    share=*)
      word=${word#share=}
      mkdir -p "${word#*:}"
      mount -t virtiofs -o ro "${word%%:*}" "${word#*:}" || echo "no share $word";;
    run=*) run=${word#run=}; run=${run//,/ };;
  esac
done
echo "guest ready after $(cut -d ' ' -f 1 /proc/uptime) s"
# shellcheck disable=SC2086
sh $run </dev/null
echo "exit=$?" >/dev/ttyS1
echo "guest off after $(cut -d ' ' -f 1 /proc/uptime) s"
sync
echo o >/proc/sysrq-trigger
# no program can be read from the disk any more
while :; do :; done
INIT
chmod 755 "$root/sbin/guest-init"
truncate -s ${ROOT_MIB}M "$work/root.ext4"
mke2fs -q -t ext4 -O ^has_journal -m 0 -E root_owner=0:0,lazy_itable_init=1 -d "$root" \
  "$work/root.ext4"

# -- the initramfs: only finds the root file system ---------------------------------------------
early=$work/early
mkdir -p "$early"/{bin,dev,proc,new,modules}
cp "$busybox" "$early/bin/busybox"
modules $EARLY | while read -r path; do
  cp "$path" "$early/modules/"
  basename "$path" >>"$early/modules/order"
done
cat >"$early/init" <<'EARLY_INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
while read -r module; do $b insmod "/modules/$module"; done </modules/order
tries=100
while [ $tries -gt 0 ] && ! [ -b /dev/vda ]; do $b sleep 0.1; tries=$((tries - 1)); done
$b mount -t ext4 /dev/vda /new || { echo "guest has no root"; $b poweroff -f; }
$b mount -o move /dev /new/dev
exec $b switch_root /new /sbin/guest-init
EARLY_INIT
chmod 755 "$early/init"
(cd "$early" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$work/initrd.img"
cp "$kernel/boot/vmlinuz-$version" "$work/vmlinuz"

# all or nothing: what is in OUTDIR is always whole; the root file system is the last
for name in vmlinuz initrd.img root.ext4; do mv -f "$work/$name" "$out/$name"; done
ls -s --block-size=1M "$out"/{vmlinuz,initrd.img,root.ext4} >&2
