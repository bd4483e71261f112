//===- Html.h - A profile as a page to look at ------------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_FLIPS_HTML_H
#define PERDURE_TOOLS_FLIPS_HTML_H

#include "Profile.h"

#include <vector>

namespace perdure::flips {

struct HtmlOptions {
  std::string Title;
  /// Where sources are looked for whose names are relative, in this order.
  std::vector<std::string> SourceFolders;
  Energy Cell;
};

/// One file that needs no other: tables that can be sorted, maps of pages and
/// bits, the lines of the sources that can be read.
std::string makeHtml(const Profile &P, const HtmlOptions &O);

} // namespace perdure::flips

#endif // PERDURE_TOOLS_FLIPS_HTML_H
