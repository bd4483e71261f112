//===- rights.h - Who may do what with a file -------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_RIGHTS_H
#define PERDURE_RUNTIME_PLATFORM_RIGHTS_H

namespace perdure {

/// Gives a file the owner, the group, the mode, the ACL and the user's extended
/// attributes of another. What security modules and the system keep with a file
/// (security.*, trusted.*) is theirs to give. False, and errno, without a message;
/// some of it may have been given then.
bool takeRights(int File, int From);

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_RIGHTS_H
