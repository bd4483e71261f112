//===- Others.h - What in a store leads to an object ------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_PERDURE_OTHERS_H
#define PERDURE_TOOLS_PERDURE_OTHERS_H

#include "Object.h"
#include "Store.h"

#include <functional>
#include <vector>

using NameList = std::vector<std::string>;

/// All names of a store. False: perdure_errormsg.
bool listNames(perdure_store *S, NameList &Names);

/// Opens, in All, what else in the store may lead to O, so that nobody changes it, and
/// calls Visit with each offset of O to which it does. Gives a status, and has said why.
int visitOthers(const Store &S, inspect::Objects &All, const NameList &Names,
                inspect::Object &O, const std::function<void(uint64_t)> &Visit);

/// Says why the object Name could not be opened to be written, which is for the sake of
/// the one called For. Gives Failure.
int failToOwn(const Store &S, const std::string &Name, const std::string &For);

#endif // PERDURE_TOOLS_PERDURE_OTHERS_H
