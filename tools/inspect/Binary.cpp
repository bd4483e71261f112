//===- Binary.cpp - Types of programs -------------------------------------===//

#include "Binary.h"

#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace inspect;

namespace {
#define PERDURE_ABI_NUMBER(Name, Value, Doc) constexpr uint64_t Abi##Name = Value;
#define PERDURE_ABI_SECTION(Name, Text, Doc) constexpr char Section##Name[] = Text;
#include <perdure/abi.def>

/// As it lies in a section: 8-byte aligned, then the text.
struct Head {
  uint64_t Bytes, Layout;
};

struct Descriptors { // runtime/entry/entry.h
  const char *Begin, *End;
  Descriptors *Next;
};

/// A file, mapped.
class File {
public:
  explicit File(const std::string &Path) {
    int Descriptor = open(Path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat Status;
    if (Descriptor >= 0 && !fstat(Descriptor, &Status) && Status.st_size > 0) {
      Bytes = static_cast<uint64_t>(Status.st_size);
      Begin = mmap(nullptr, Bytes, PROT_READ, MAP_PRIVATE, Descriptor, 0);
    }
    Error = errno;
    if (Descriptor >= 0)
      close(Descriptor);
  }
  ~File() {
    if (*this)
      munmap(Begin, Bytes);
  }
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  explicit operator bool() const { return Begin != MAP_FAILED; }
  /// Null where it does not have so many of T there.
  template <typename T> const T *at(uint64_t Offset, uint64_t Count = 1) const {
    uint64_t Size;
    if (__builtin_mul_overflow(Count, sizeof(T), &Size) || Offset > Bytes ||
        Size > Bytes - Offset || Offset % alignof(T))
      return nullptr;
    return reinterpret_cast<const T *>(static_cast<const char *>(Begin) + Offset);
  }
  void *Begin = MAP_FAILED;
  uint64_t Bytes = 0;
  int Error = 0;
};

void readSection(const File &F, uint64_t Offset, uint64_t Size, std::vector<Described> &Found) {
  for (uint64_t At = 0; At + sizeof(Head) <= Size;) {
    const Head *H = F.at<Head>(Offset + At);
    if (!H)
      return;
    if (!H->Bytes) { // padding
      At += 8;
      continue;
    }
    const char *Text = F.at<char>(Offset + At + sizeof(Head), H->Bytes);
    if (!Text || H->Bytes > Size - At - sizeof(Head))
      return;
    Found.push_back({std::string(Text, H->Bytes), H->Layout});
    At += (sizeof(Head) + H->Bytes + 7) / 8 * 8;
  }
}

} // namespace

bool inspect::readBinary(const std::string &Path, std::vector<Described> &Found,
                         std::string &Why) {
  File F(Path);
  if (!F) {
    Why = std::string("cannot be read: ") + strerror(F.Error);
    return false;
  }
  const auto *E = F.at<Elf64_Ehdr>(0);
  const auto *S = E && !memcmp(E->e_ident, ELFMAG, SELFMAG) && E->e_ident[EI_CLASS] == ELFCLASS64
                      ? F.at<Elf64_Shdr>(E->e_shoff, E->e_shnum)
                      : nullptr;
  if (!S || E->e_shstrndx >= E->e_shnum) {
    Why = "is no program or library of 64 bits with sections";
    return false;
  }
  const Elf64_Shdr &Names = S[E->e_shstrndx];
  for (unsigned I = 0; I < E->e_shnum; ++I) {
    const char *Name = F.at<char>(Names.sh_offset + S[I].sh_name, sizeof(SectionTypes));
    if (Name && !memcmp(Name, SectionTypes, sizeof(SectionTypes)) && S[I].sh_type == SHT_PROGBITS)
      readSection(F, S[I].sh_offset, S[I].sh_size, Found);
  }
  if (Found.empty()) {
    Why = "says nothing of types: compile it with the plugin";
    return false;
  }
  return true;
}

// "struct SIZE ALIGN NAME"; empty for anything else.
static std::string recordName(const std::string &Text) {
  std::string Line = Text.substr(0, Text.find('\n'));
  if (Line.compare(0, 7, "struct ") != 0 && Line.compare(0, 6, "union ") != 0)
    return "";
  size_t At = 0;
  for (int I = 0; I < 3 && At != std::string::npos; ++I)
    At = Line.find(' ', At + 1);
  return At == std::string::npos ? "" : Line.substr(At + 1);
}

extern "C" void __perdure_register_types(unsigned Version, Descriptors *Types);
extern "C" void __perdure_unregister_types(Descriptors *Types);
extern "C" void *__perdure_type_root(void *Root, const Head *Descriptor);

bool inspect::recordTypes(void *Root, const std::vector<Described> &Known,
                          const std::string &Name) {
  std::vector<uint64_t> Section;
  size_t RootAt = SIZE_MAX;
  for (const Described &D : Known) {
    std::string Called = recordName(D.Text);
    if (Called.empty())
      continue; // of an object: which record the root is
    if (Called == Name)
      RootAt = Section.size();
    Section.push_back(D.Text.size());
    Section.push_back(D.Layout);
    size_t At = Section.size();
    Section.resize(At + (D.Text.size() + 7) / 8);
    memcpy(&Section[At], D.Text.data(), D.Text.size());
  }
  if (RootAt == SIZE_MAX)
    return true;
  const char *Begin = reinterpret_cast<const char *>(Section.data());
  Descriptors D = {Begin, Begin + Section.size() * 8, nullptr};
  __perdure_register_types(AbiVersion, &D);
  bool Ok = __perdure_type_root(Root, reinterpret_cast<const Head *>(&Section[RootAt]));
  __perdure_unregister_types(&D);
  return Ok;
}
