"""packages.py FOLDER WORD...: what the Debian packages in FOLDER have to be: files and
folders of root's below /usr, each in one package, with the rights that Debian gives; no
WORD (a path of the build tree) in any; checksums that are right. Prints each package's
name and what it depends on."""
import glob
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile

folder, *words = sys.argv[1:]
owner, wrong = {}, []
for path in sorted(glob.glob(os.path.join(folder, "*.deb"))):
    field = lambda name: subprocess.check_output(["dpkg-deb", "-f", path, name], text=True).strip()
    package = field("Package")
    if os.path.basename(path) != "%s_%s_%s.deb" % (package, field("Version"), field("Architecture")):
        wrong.append("%s: its name is not that of its package" % path)
    print("%s: %s" % (package, field("Depends")))
    sums = {}
    with tempfile.TemporaryDirectory() as control:
        subprocess.check_call(["dpkg-deb", "-e", path, control])
        for line in open(os.path.join(control, "md5sums")):
            digest, name = line.split(None, 1)
            sums["./" + name.strip()] = digest
    tar = io.BytesIO(subprocess.check_output(["dpkg-deb", "--fsys-tarfile", path]))
    files = tarfile.open(fileobj=tar)
    for member in files:
        say = lambda what: wrong.append("%s: %s: %s" % (package, member.name, what))
        if (member.uid, member.gid) != (0, 0):
            say("not root's")
        if member.isdir():
            if member.mode != 0o755:
                say("mode %o" % member.mode)
            continue
        if not member.name.startswith("./usr/"):
            say("not below /usr")
        if owner.setdefault(member.name, package) != package:
            say("in %s, too" % owner[member.name])
        if member.issym():
            if os.path.isabs(member.linkname):
                say("leads to " + member.linkname)
            continue
        executes = member.name.startswith("./usr/bin/")
        if not member.isfile() or member.mode != (0o755 if executes else 0o644):
            say("mode %o" % member.mode)
        content = files.extractfile(member).read()
        if hashlib.md5(content).hexdigest() != sums.pop(member.name, None):
            say("another checksum than md5sums has")
        for word in words:
            if word.encode() in content:
                say("contains " + word)
    wrong += ["%s: %s: in md5sums alone" % (package, name) for name in sums]
if wrong:
    sys.exit("\n".join(wrong))
