//===- page_runs.cpp - Runs of free pages ---------------------------------===//

#include "alloc/page_runs.h"

using namespace perdure;

static unsigned binOf(uint64_t Pages) {
  return 63 - (unsigned)__builtin_clzll(Pages);
}

void PageRuns::unlink(PageTag *Tags, uint64_t Page, uint64_t Pages) {
  unlinkPage(Tags, Bin[binOf(Pages)], (uint32_t)Page);
  Tags[Page].Run = Tags[Page + Pages - 1].Run = 0;
}

void PageRuns::add(PageTag *Tags, uint64_t Page, uint64_t Pages) {
  if (uint64_t Before = Tags[Page - 1].Run) {
    unlink(Tags, Page - Before, Before);
    Page -= Before;
    Pages += Before;
  }
  if (uint64_t After = Tags[Page + Pages].Run) {
    unlink(Tags, Page + Pages, After);
    Pages += After;
  }
  Tags[Page].Run = Tags[Page + Pages - 1].Run = (uint32_t)Pages;
  pushPage(Tags, Bin[binOf(Pages)], (uint32_t)Page);
}

// The first run in the list that is long enough, among the first Tries.
static uint64_t search(const PageTag *Tags, uint32_t List, uint64_t Pages,
                       uint64_t Tries) {
  for (; List && Tries; List = Tags[List].Next, --Tries)
    if (Tags[List].Run >= Pages)
      return List;
  return 0;
}

uint64_t PageRuns::take(PageTag *Tags, uint64_t Pages) {
  unsigned First = binOf(Pages);
  uint64_t Page = search(Tags, Bin[First], Pages, 32);
  for (unsigned B = First + 1; !Page && B < BinCount; ++B)
    Page = Bin[B];
  if (!Page)
    Page = search(Tags, Bin[First], Pages, UINT64_MAX);
  if (!Page)
    return 0;
  uint64_t Run = Tags[Page].Run;
  unlink(Tags, Page, Run);
  if (Run > Pages)
    add(Tags, Page + Pages, Run - Pages);
  return Page;
}
