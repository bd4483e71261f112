//===- Complete.cpp - What may come next on a command line ----------------===//
//
// For the shells' own completion (completions/): what they are told comes from the
// same description that parses the command line.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Store.h"

#include <algorithm>
#include <cstring>
#include <glob.h>
#include <memory>

static bool begins(const std::string &Text, const std::string &With) {
  return Text.compare(0, With.size(), With) == 0;
}

static void offer(const std::string &Candidate, const std::string &Prefix) {
  // Names with a line's end would be two candidates.
  if (begins(Candidate, Prefix) && Candidate.find('\n') == std::string::npos)
    printf("%s\n", Candidate.c_str());
}

static void offerFiles(const std::string &Prefix, bool Directories) {
  std::string Pattern;
  for (char C : Prefix)
    Pattern += (strchr("*?[\\", C) ? "\\" : "") + std::string(1, C);
  glob_t Found;
  if (!glob((Pattern + "*").c_str(), GLOB_MARK, nullptr, &Found))
    for (size_t I = 0; I < Found.gl_pathc; ++I) {
      std::string Path = Found.gl_pathv[I];
      if (!Directories || Path.back() == '/')
        offer(Path, Prefix);
    }
  globfree(&Found);
}

static void offerNames(const std::string &Path, const std::string &Prefix) {
  // Nobody wants to read why there are none.
  perdure_store *S = perdure_store_open(Path.c_str(), PERDURE_RDONLY);
  if (!S)
    return;
  perdure_list(
      S,
      [](void *Prefix, const char *Name, perdure_id) {
        offer(Name, *(const std::string *)Prefix);
        return 0;
      },
      (void *)&Prefix);
  perdure_store_close(S);
}

static void offerOptions(const CLI::App &App, const std::string &Prefix) {
  for (const CLI::Option *O : App.get_options())
    for (const std::string &Name : O->get_lnames())
      offer("--" + Name, Prefix);
}

// The values that are no options' among the words; Pending: the option whose value
// comes next, or null.
static std::vector<std::string> positionals(const CLI::App &App,
                                            const std::vector<std::string> &Words, size_t From,
                                            const CLI::Option *&Pending) {
  std::vector<std::string> Values;
  Pending = nullptr;
  for (size_t I = From; I < Words.size(); ++I) {
    if (Pending) {
      Pending = nullptr;
    } else if (Words[I].size() > 1 && Words[I][0] == '-') {
      const CLI::Option *O =
          Words[I].find('=') == std::string::npos ? App.get_option_no_throw(Words[I]) : nullptr;
      if (O && O->get_type_size() > 0 && O->get_expected_min() > 0)
        Pending = O;
    } else {
      Values.push_back(Words[I]);
    }
  }
  return Values;
}

static void offerValue(const CLI::App &App, const std::vector<std::string> &Values,
                       const std::string &Prefix) {
  std::vector<const CLI::Option *> Places;
  for (const CLI::Option *O : App.get_options())
    if (O->get_positional())
      Places.push_back(O);
  if (Places.empty())
    return;
  // The last may take several.
  const CLI::Option *Place = Places[std::min(Values.size(), Places.size() - 1)];
  if (Values.size() >= Places.size() && Place->get_items_expected_max() < 2)
    return;
  std::string Name = Place->get_name();
  bool Store = Name.size() >= 5 && Name.compare(Name.size() - 5, 5, "STORE") == 0;
  if (Store)
    return offerFiles(Prefix, true);
  if (Name != "NAME" && Name != "OTHER-NAME")
    return Name == "PATH" || Name == "NEWNAME" ? void() : offerFiles(Prefix, false);
  // Of the store before it.
  std::string Of;
  for (size_t I = 0; I < Values.size() && I < Places.size(); ++I) {
    std::string Called = Places[I]->get_name();
    if (Called.size() >= 5 && Called.compare(Called.size() - 5, 5, "STORE") == 0)
      Of = Values[I];
  }
  offerNames(Of, Prefix);
}

static int run(const CLI::App &Program, std::vector<std::string> Words) {
  std::string Prefix = Words.empty() ? "" : Words.back();
  if (!Words.empty())
    Words.pop_back();
  const CLI::App *App = &Program;
  size_t From = 0;
  while (From < Words.size()) {
    const CLI::App *Next = nullptr;
    for (const CLI::App *C : App->get_subcommands([](const CLI::App *) { return true; }))
      if (C->get_name() == Words[From])
        Next = C;
    if (!Next)
      break;
    App = Next;
    ++From;
  }
  auto Commands = App->get_subcommands([](const CLI::App *C) { return !C->get_group().empty(); });
  if (!Commands.empty() && From < Words.size())
    return Success; // no command is called so
  const CLI::Option *Pending;
  std::vector<std::string> Values = positionals(*App, Words, From, Pending);
  if (Pending)
    offerFiles(Prefix, false);
  else if (!Prefix.empty() && Prefix[0] == '-')
    offerOptions(*App, Prefix);
  else if (!Commands.empty())
    for (const CLI::App *C : Commands)
      offer(C->get_name(), Prefix);
  else
    offerValue(*App, Values, Prefix);
  return Success;
}

Command addComplete(CLI::App &Program) {
  auto Words = std::make_shared<std::vector<std::string>>();
  CLI::App *App = Program.add_subcommand("complete", "For shells: what may come next");
  App->group(""); // not among the commands
  App->prefix_command();
  return {App, [App, &Program] { return run(Program, App->remaining()); }};
}
