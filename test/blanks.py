"""lit's tests where the path of the sources or of the build has blanks."""
import hashlib
import os
import tempfile

import lit.formats


def without_blanks(path):
    """A link to the folder when its path has blanks.

    Tests write %t and %s without quotes, which blanks would tear apart: in
    `rm -rf %t` with any consequence.
    """
    if not any(letter.isspace() for letter in path):
        return path
    name = "perdure-%d-%s" % (os.getuid(), hashlib.sha1(path.encode()).hexdigest()[:12])
    link = os.path.join(tempfile.gettempdir(), name)
    if not os.path.islink(link):
        os.symlink(path, link)
    if not os.path.samefile(link, path):
        raise SystemExit("%s leads elsewhere: remove it" % link)
    return link


class PerdureTest(lit.formats.ShTest):
    def execute(self, test, lit_config):
        # lit resolves the links that its configuration names.
        test.suite.source_root = without_blanks(test.suite.source_root)
        test.suite.exec_root = without_blanks(test.suite.exec_root)
        return super().execute(test, lit_config)
