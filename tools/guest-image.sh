#!/bin/bash
# Build a tiny guest from Debian packages: busybox and the cloud kernel, nothing else.
#
#   tools/guest-image.sh OUTDIR [CACHEDIR]
#
# OUTDIR/guest.qcow2          boots by BIOS from disk; 64 MiB, of which a third is data
# OUTDIR/vmlinuz initrd.img   boot directly; with "proof" on the command line the guest says
#                             READY and powers off at once (that proves an accelerator)
# CACHEDIR                    keeps the kernel that was downloaded (default OUTDIR/cache)
#
# The guest tells what it sees in lines "GUEST ..." on its serial console, runs the user data of
# a config drive, says "GUEST READY" and then gives a shell there.
#
# Exit status: 0 built, 2 wrong use, 3 a Debian package is missing (all are named), 1 anything else.
set -euo pipefail

DISK_MIB=64
BOOT_MIB=40
CMDLINE="console=ttyS0 quiet loglevel=3 mitigations=off nokaslr no_timer_check"
CMDLINE+=" random.trust_cpu=on panic=10"
MODULES="virtio_pci virtio_blk virtio_net virtio_rng virtio_balloon virtio_scsi virtio_console
 sd_mod sr_mod isofs ext4 button evdev"

fail() { echo "guest-image: $2" >&2; exit "$1"; }

[ $# -ge 1 ] && [ $# -le 2 ] || fail 2 "use: guest-image.sh OUTDIR [CACHEDIR]"
mkdir -p "$1" "${2:-$1/cache}"
out=$(cd "$1" && pwd)
cache=$(cd "${2:-$1/cache}" && pwd)
PATH=$PATH:/usr/sbin:/sbin

missing=""
need() {    # need PACKAGE PATH-OR-COMMAND
  [ -e "$2" ] || command -v "$2" >/dev/null || missing="$missing $1"
}
need cpio cpio
need dosfstools mkfs.vfat
need e2fsprogs mkfs.ext4
need fdisk sfdisk
need kmod depmod
need mtools mcopy
need qemu-utils qemu-img
need syslinux syslinux
need syslinux-common /usr/lib/syslinux/mbr/mbr.bin
# a busybox that needs shared libraries is of no use in the guest
busybox=$(command -v busybox || true)
if [ -z "$busybox" ] || head -c 4096 "$busybox" | grep -q ld-linux; then missing="$missing busybox-static"; fi
[ -z "$missing" ] || fail 3 "missing Debian packages; run: apt-get install -y$missing"

work=$(mktemp -d "$out/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# -- the kernel: unpacked, never installed ----------------------------------------------------
deb=$(find "$cache" -maxdepth 1 -name 'linux-image-*-cloud-amd64_*.deb' | sort -V | tail -n 1)
if [ -z "$deb" ]; then
  package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
            awk '$1 == "Depends:" { print $2; exit }')
  [ -n "$package" ] ||
    fail 3 "apt knows no package linux-image-cloud-amd64; run apt-get update and try again"
  (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$package") ||
    fail 1 "can't download $package; run apt-get update and try again"
  mv "$work"/linux-image-*.deb "$cache/"
  deb=$(find "$cache" -maxdepth 1 -name "${package}_*.deb" | tail -n 1)
fi
kernel=$work/kernel
mkdir "$kernel"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$kernel" ./boot ./lib/modules
version=$(ls "$kernel/lib/modules")
depmod -b "$kernel" "$version"

# -- the root of the guest, all of it in the initramfs ----------------------------------------
root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,run,tmp,data,mnt,etc/acpi/PWRF,lib/modules,usr/bin,usr/sbin}
mkdir -p "$root/sbin"
cp "$busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
for module in $MODULES; do
  modprobe -S "$version" -d "$kernel" --show-depends "$module" 2>/dev/null || true
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
  cp "$path" "$root/lib/modules/"
  basename "$path" >> "$root/lib/modules/order"
done

cat > "$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/ TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec < /dev/console > /dev/console 2>&1
say() { echo "GUEST $*"; }
say "kernel $(uname -r) memory=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)kB" \
    "processors=$(grep -c ^processor /proc/cpuinfo)"
case " $(cat /proc/cmdline) " in *" proof "*) say READY; poweroff -f;; esac

while read -r module; do insmod "/lib/modules/$module"; done < /lib/modules/order
ip link set lo up
# in the foreground: as a daemon it wants a log file in /var
acpid -d > /dev/null 2>&1 &
uevent /bin/on-uevent &

# a bus that was just found may still be asking its devices what they are
tries=20
while [ $tries -gt 0 ] && ! ls /dev/vda /dev/sr0 > /dev/null 2>&1; do
  sleep 0.1; tries=$((tries - 1))
done
for path in /sys/block/*; do
  name=${path##*/}
  case $name in loop*|ram*) continue;; esac
  say "block /dev/$name sectors=$(cat "$path/size")" \
      "serial=$(cat "$path/serial" 2> /dev/null || echo none)"
done

# the data partition tells that it is the same disk as before
if [ -b /dev/vda2 ] && mount -t ext4 /dev/vda2 /data 2> /dev/null; then
  boots=$(( $(cat /data/boots 2> /dev/null || echo 0) + 1 ))
  echo $boots > /data/boots; sync
  say "boots $boots"
fi

for nic in /sys/class/net/*; do
  nic=${nic##*/}
  [ "$nic" = lo ] && continue
  say "nic $nic $(cat "/sys/class/net/$nic/address")"
  ip link set "$nic" up
  udhcpc -i "$nic" -O staticroutes -O mtu -s /bin/on-dhcp -n -q -t 8 -T 1 > /dev/null 2>&1 ||
    say "dhcp $nic failed"
done

# the config drive, found by its label
for disk in /dev/sr0 /dev/vd[b-z]; do
  [ -b "$disk" ] && mount -t iso9660 -o ro "$disk" /mnt 2> /dev/null || continue
  latest=/mnt/openstack/latest
  if [ -f $latest/meta_data.json ]; then
    value() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" $latest/meta_data.json | head -n 1; }
    hostname "$(value hostname)" 2> /dev/null
    say "config-drive $disk uuid=$(value uuid) hostname=$(value hostname)"
    if [ -f $latest/user_data ]; then
      cp $latest/user_data /tmp/user_data
      if [ "$(head -c 2 /tmp/user_data)" = "#!" ]; then
        chmod +x /tmp/user_data; /tmp/user_data; say "user-data exit=$?"
      else
        say "user-data is no script"
      fi
    fi
  fi
  umount /mnt
  break
done

echo 3 > /proc/sys/kernel/printk
say "uptime $(cut -d ' ' -f 1 /proc/uptime)"
say READY
while :; do setsid cttyhack sh; done
INIT

cat > "$root/bin/on-uevent" <<'UEVENT'
#!/bin/sh
# what is plugged in or out while the guest runs
case "$SUBSYSTEM-$ACTION" in
  block-add|block-remove|block-change)
    echo "GUEST block $ACTION /dev/$DEVNAME" \
         "sectors=$(cat "/sys/class/block/$DEVNAME/size" 2> /dev/null || echo 0)" \
         "serial=$(cat "/sys/block/$DEVNAME/serial" 2> /dev/null || echo none)"
    [ "$ACTION-$DEVTYPE" != add-disk ] || /bin/use-volume "/dev/$DEVNAME";;
  net-add|net-remove) echo "GUEST nic $ACTION $INTERFACE";;
esac > /dev/console
UEVENT

cat > "$root/bin/use-volume" <<'VOLUME'
#!/bin/sh
# a disk that was just plugged in: an empty one gets a file system, one of ours a line more
dev=$1 dir=/tmp/volume-${1##*/}
[ "$(head -c 65536 "$dev" | tr -d '\0' | wc -c)" = 0 ] && mke2fs -L volume "$dev" > /dev/null 2>&1
mkdir -p "$dir"
mount -t ext4 "$dev" "$dir" 2> /dev/null || exit 0
if [ -d "$dir/lost+found" ]; then
  echo "plugged in at uptime $(cut -d ' ' -f 1 /proc/uptime)" >> "$dir/log" && sync &&
    echo "GUEST volume $dev has $(wc -l < "$dir/log") lines of its guests"
fi
umount "$dir"
VOLUME

cat > "$root/bin/on-dhcp" <<'DHCP'
#!/bin/sh
case "$1" in
  deconfig) ip addr flush dev "$interface";;
  bound|renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    [ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
    for gateway in $router; do ip route replace default via "$gateway"; done
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      ip route replace "$1" via "$2" 2> /dev/null || ip route replace "$1" dev "$interface"
      shift 2
    done
    for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
    echo "GUEST dhcp $interface $ip/${mask:-24} mtu=${mtu:-none}" > /dev/console;;
esac
DHCP

cat > "$root/etc/acpi/PWRF/00000080" <<'BUTTON'
#!/bin/sh
echo "GUEST power button" > /dev/console
umount /data 2> /dev/null
sync
echo "GUEST off" > /dev/console
poweroff -f
BUTTON
chmod 755 "$root/init" "$root"/bin/on-* "$root/bin/use-volume" "$root/etc/acpi/PWRF/00000080"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) > "$work/initrd.img"
cp "$kernel/boot/vmlinuz-$version" "$work/vmlinuz"

# -- the disk: a FAT that boots, and a small ext4 for what should last --------------------------
boot=$work/boot.img data=$work/data.img disk=$work/disk.raw
cat > "$work/syslinux.cfg" <<MENU
SERIAL 0 115200
DEFAULT guest
PROMPT 0
LABEL guest
 KERNEL /vmlinuz
 INITRD /initrd.img
 APPEND $CMDLINE
MENU
truncate -s ${BOOT_MIB}M "$boot"
mkfs.vfat -F 16 -n BOOT -h 2048 "$boot" > /dev/null
mcopy -i "$boot" "$work/vmlinuz" "$work/initrd.img" "$work/syslinux.cfg" ::/
syslinux --install "$boot"
truncate -s $((DISK_MIB - BOOT_MIB - 1))M "$data"
mkfs.ext4 -q -L data -m 0 "$data"
truncate -s ${DISK_MIB}M "$disk"
sfdisk -q "$disk" <<TABLE
label: dos
1: start=1MiB, size=${BOOT_MIB}MiB, type=e, bootable
2: start=$((BOOT_MIB + 1))MiB, type=83
TABLE
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$boot" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$data" of="$disk" bs=1M seek=$((BOOT_MIB + 1)) conv=notrunc,sparse status=none
qemu-img convert -f raw -O qcow2 "$disk" "$work/guest.qcow2"

# all or nothing: what is in OUTDIR is always whole
for name in vmlinuz initrd.img guest.qcow2; do mv -f "$work/$name" "$out/$name"; done
ls -s --block-size=1M "$out"/{guest.qcow2,vmlinuz,initrd.img} >&2
