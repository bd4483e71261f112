//===- Writers.cpp - What functions elsewhere write -----------------------===//
#include "Writers.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

static constexpr Write Writes[] = {
#define PERDURE_WRITES(Name, Where, Extent, Count, Amount, Unit)               \
  {Name, Where, Write::Extent, Count, Write::Amount, Unit},
#include "Writers.def"
};

struct CallingBack {
  StringLiteral Name;
  unsigned Argument;
};
static constexpr CallingBack Calls[] = {
#define PERDURE_CALLS(Name, Argument) {Name, Argument},
#include "Writers.def"
};

static ArrayRef<Write> rowsOf(StringRef Name) {
  const Write *First =
      find_if(Writes, [&](const Write &W) { return W.Name == Name; });
  const Write *Last = std::find_if(
      First, std::end(Writes), [&](const Write &W) { return W.Name != Name; });
  return ArrayRef<Write>(First, Last);
}

ArrayRef<Write> writesOf(StringRef Name) {
  ArrayRef<Write> Rows = rowsOf(Name);
  if (!Rows.empty() || !Name.consume_front("__"))
    return Rows;
  if (Name.consume_back("_chk") || Name.consume_front("isoc99_") ||
      Name.consume_front("isoc23_"))
    return rowsOf(Name);
  return {};
}

int callbackOf(StringRef Name) {
  for (const CallingBack &C : Calls)
    if (C.Name == Name)
      return static_cast<int>(C.Argument);
  return -1;
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

/// The arguments behind the format that its conversions \c n take.
static void storedBy(StringRef Format, SmallVectorImpl<unsigned> &Arguments) {
  unsigned Next = 0;
  for (size_t At = Format.find('%'); At != StringRef::npos;
       At = Format.find('%', At)) {
    ++At;
    std::optional<unsigned> Named; // "%2$n"
    for (; At < Format.size() && !isAlpha(Format[At]) && Format[At] != '%';
         ++At) {
      Next += Format[At] == '*';
      if (unsigned N; Format[At] == '$' &&
                      !Format.take_front(At)
                           .substr(Format.take_front(At).rfind('%') + 1)
                           .getAsInteger(10, N))
        Named = N - 1;
    }
    At = std::min(Format.find_first_not_of("hljztLq", At), Format.size());
    if (At == Format.size())
      return;
    char Conversion = Format[At++];
    if (Conversion == 'n')
      Arguments.push_back(Named.value_or(Next));
    Next += Conversion != '%' && Conversion != 'm' && !Named;
  }
}

SmallVector<Value *, 2> storedByFormat(const CallBase &Call) {
  SmallVector<Value *, 2> Places;
  const Function *To = Call.getCalledFunction();
  unsigned Fixed = Call.getFunctionType()->getNumParams();
  if (!To || !To->getName().contains("printf") || !Fixed ||
      !Call.getFunctionType()->isVarArg() || Call.arg_size() < Fixed)
    return Places;
  StringRef Format; // the last parameter that has a name
  SmallVector<unsigned, 2> Arguments;
  if (getConstantStringInfo(Call.getArgOperand(Fixed - 1), Format))
    storedBy(Format, Arguments);
  for (unsigned I : Arguments)
    if (Fixed + I < Call.arg_size() &&
        Call.getArgOperand(Fixed + I)->getType()->isPointerTy())
      Places.push_back(Call.getArgOperand(Fixed + I));
  return Places;
}

namespace {
/// A conversion of scanf that assigns.
struct Assignment {
  unsigned Argument; // behind the format
  int MoreThan;      // it is made if the result is
  unsigned Bytes;    // 0: however long the string is
  unsigned Unit;
  bool IsString = false;
};
} // namespace

/// The bytes of what a conversion of numbers assigns.
static unsigned numberBytes(StringRef Modifier, bool IsReal, bool HasX87) {
  if (IsReal)
    return Modifier == "l"                       ? 8
           : Modifier == "L" || Modifier == "ll" ? (HasX87 ? 10 : 16)
                                                 : 4;
  return Modifier == "hh" ? 1 : Modifier == "h" ? 2 : Modifier.empty() ? 4 : 8;
}

/// False where it is not understood: positions, and what C does not have.
static bool assignedBy(StringRef Format, bool HasX87,
                       SmallVectorImpl<Assignment> &Found) {
  unsigned Argument = 0;
  int Counted = 0;
  while (true) {
    size_t At = Format.find('%');
    if (At == StringRef::npos)
      return true;
    Format = Format.drop_front(At + 1);
    if (Format.consume_front("%"))
      continue;
    bool Suppressed = Format.consume_front("*");
    StringRef Digits = Format.take_while(isDigit);
    unsigned Width = 0;
    if (!Digits.empty() && (Digits.getAsInteger(10, Width) || Width > 1 << 20))
      return false;
    Format = Format.drop_front(Digits.size());
    bool Allocates = Format.consume_front("m");
    StringRef Modifier = Format.take_while(
        [](char C) { return StringRef("hlLjzt").contains(C); });
    Format = Format.drop_front(Modifier.size());
    if (Format.empty())
      return false;
    char Conversion = Format.front();
    Format = Format.drop_front();
    // "%n" itself is not counted.
    Assignment A{Argument, Counted - (Conversion == 'n'), 0, 1};
    bool Wide = Modifier == "l";
    switch (Conversion) {
    case '[': {
      // A bracket that comes first is one of the characters.
      Format.consume_front("^");
      Format.consume_front("]");
      size_t End = Format.find(']');
      if (End == StringRef::npos)
        return false;
      Format = Format.drop_front(End + 1);
      [[fallthrough]];
    }
    case 's':
    case 'S':
      A.Unit = Wide || Conversion == 'S' ? 4 : 1;
      A.Bytes = Width ? (Width + 1) * A.Unit : 0;
      A.IsString = true;
      break;
    case 'c':
    case 'C':
      A.Unit = Wide || Conversion == 'C' ? 4 : 1;
      A.Bytes = (Width ? Width : 1) * A.Unit;
      break;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
    case 'n':
      A.Bytes = numberBytes(Modifier, /*IsReal=*/false, HasX87);
      break;
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      A.Bytes = numberBytes(Modifier, /*IsReal=*/true, HasX87);
      break;
    case 'p':
      A.Bytes = 8;
      break;
    default:
      return false;
    }
    if (Suppressed)
      continue;
    // "%m": where it allocated.
    if (Allocates) {
      A.Bytes = 8;
      A.IsString = false;
    }
    Found.push_back(A);
    ++Argument;
    Counted += Conversion != 'n';
  }
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

static bool hasArguments(const CallBase &Call, const Write &W) {
  bool CountIsArgument = W.Kind != Write::Fixed && W.Kind != Write::Unknown &&
                         W.Kind != Write::Ended;
  unsigned Last = CountIsArgument ? std::max(W.Where, W.Count) : W.Where;
  if (W.Kind == Write::Scanned)
    Last = W.Count;
  if (Call.arg_size() <= Last)
    return false;
  auto IsPointer = [&](unsigned N) {
    return Call.getArgOperand(N)->getType()->isPointerTy();
  };
  auto IsNumber = [&](unsigned N) {
    return Call.getArgOperand(N)->getType()->isIntegerTy();
  };
  if (W.Kind != Write::Scanned && !IsPointer(W.Where))
    return false;
  switch (W.Kind) {
  case Write::Bytes:
  case Write::AppendedMost:
  case Write::Vectors:
    return IsNumber(W.Count);
  case Write::Items:
    return IsNumber(W.Count) && IsNumber(W.Count - 1);
  case Write::String:
  case Write::Appended:
  case Write::Through:
  case Write::Scanned:
    return IsPointer(W.Count);
  default:
    return true;
  }
}

std::optional<CallWrites> writesOf(CallBase &Call, StringRef Name) {
  ArrayRef<Write> Rows = writesOf(Name);
  if (Rows.empty() ||
      any_of(Rows, [&](const Write &W) { return !hasArguments(Call, W); }))
    return std::nullopt;
  CallWrites Found;
  Found.Name = Rows[0].Name;
  auto &Ranges = Found.Ranges;
  for (const Write &W : Rows) {
    if (W.Kind != Write::Scanned) {
      Ranges.push_back({W.Kind, Call.getArgOperand(W.Where), W.Count, W.Written,
                        W.Unit, std::nullopt});
      continue;
    }
    StringRef Format;
    SmallVector<Assignment, 8> Assigned;
    bool Known = getConstantStringInfo(Call.getArgOperand(W.Count), Format) &&
                 assignedBy(Format, Call.getModule()->getTargetTriple().isX86(),
                            Assigned);
    if (!Known) {
      Found.Unseen = true;
      continue;
    }
    for (const Assignment &A : Assigned) {
      unsigned N = W.Where + A.Argument;
      if (N >= Call.arg_size() ||
          !Call.getArgOperand(N)->getType()->isPointerTy())
        break;
      Ranges.push_back(
          {A.Bytes ? Write::Fixed : Write::Ended, Call.getArgOperand(N),
           A.Bytes, A.IsString ? Write::Text : Write::All, A.Unit, A.MoreThan});
    }
  }
  return Found;
}

static Value *lengthOf(Value *String, unsigned Unit, Module &M,
                       IRBuilderBase &B) {
  return B.CreateCall(M.getOrInsertFunction(Unit == 1 ? "strlen" : "wcslen",
                                            B.getInt64Ty(), B.getPtrTy()),
                      {String});
}

static Value *lengthOf(Value *String, Value *Most, unsigned Unit, Module &M,
                       IRBuilderBase &B) {
  return B.CreateCall(M.getOrInsertFunction(Unit == 1 ? "strnlen" : "wcsnlen",
                                            B.getInt64Ty(), B.getPtrTy(),
                                            B.getInt64Ty()),
                      {String, Most});
}

static Value *inBytes(Value *Units, unsigned Unit, IRBuilderBase &B) {
  return Unit == 1 ? Units : B.CreateMul(Units, B.getInt64(Unit));
}

std::pair<Value *, Value *> WrittenRange::most(CallBase &Call,
                                               IRBuilderBase &B) const {
  Module &M = *Call.getModule();
  // A size is unsigned, an int that counts bytes is not negative.
  auto Number = [&](unsigned N) {
    return B.CreateZExtOrTrunc(Call.getArgOperand(N), B.getInt64Ty());
  };
  auto WithEnd = [&](Value *Length) {
    return inBytes(B.CreateAdd(Length, B.getInt64(1)), Unit, B);
  };
  switch (Kind) {
  case Write::Bytes:
    return {P, inBytes(Number(Count), Unit, B)};
  case Write::Items:
    return {P, B.CreateMul(Number(Count - 1), Number(Count))};
  case Write::String:
    return {P, WithEnd(lengthOf(Call.getArgOperand(Count), Unit, M, B))};
  case Write::Appended:
  case Write::AppendedMost: {
    Value *From = Call.getArgOperand(1);
    // The string may have no end within as many characters.
    Value *Added = Kind == Write::Appended
                       ? lengthOf(From, Unit, M, B)
                       : lengthOf(From, Number(Count), Unit, M, B);
    Value *There = inBytes(lengthOf(P, Unit, M, B), Unit, B);
    return {B.CreatePtrAdd(P, There), WithEnd(Added)};
  }
  case Write::Fixed:
    return {P, B.getInt64(Count)};
  case Write::Through: {
    // Nowhere, where the caller does not want to know.
    Value *At = Call.getArgOperand(Count);
    auto *Zero = new GlobalVariable(M, B.getInt32Ty(), /*isConstant=*/true,
                                    GlobalValue::PrivateLinkage, B.getInt32(0));
    Value *Length = B.CreateLoad(B.getInt32Ty(),
                                 B.CreateSelect(B.CreateIsNull(At), Zero, At));
    return {P, B.CreateZExt(Length, B.getInt64Ty())};
  }
  case Write::Ended:
  case Write::Vectors:
  case Write::Scanned:
  case Write::Unknown:
    break;
  }
  llvm_unreachable("it writes no range that can be told");
}

Value *WrittenRange::written(CallBase &Call, Value *Place, Value *Most,
                             IRBuilderBase &B) const {
  Module &M = *Call.getModule();
  Value *Zero = B.getInt64(0);
  auto Least = [&](Value *Bytes) {
    return B.CreateBinaryIntrinsic(Intrinsic::umin, Bytes, Most);
  };
  // Nothing is read where there is no room.
  auto StringIn = [&](Value *Room) {
    Value *Length =
        lengthOf(Place, Unit == 1 ? Room : B.CreateUDiv(Room, B.getInt64(Unit)),
                 Unit, M, B);
    Value *Bytes = inBytes(B.CreateAdd(Length, B.getInt64(1)), Unit, B);
    return B.CreateBinaryIntrinsic(Intrinsic::umin, Bytes, Room);
  };
  bool IsInteger = Call.getType()->isIntegerTy();
  if (MoreThan) {
    if (!IsInteger)
      return nullptr;
    Value *Is = B.CreateICmpSGT(B.CreateSExtOrTrunc(&Call, B.getInt64Ty()),
                                B.getInt64(*MoreThan));
    Value *Room = B.CreateSelect(
        Is, Kind == Write::Ended ? B.getInt64(INT64_MAX) : Most, Zero);
    return Written == Write::Text ? StringIn(Room) : Room;
  }
  switch (Written) {
  case Write::Most:
    return nullptr;
  case Write::All:
    if (Kind == Write::Ended)
      return inBytes(B.CreateAdd(lengthOf(Place, Unit, M, B), B.getInt64(1)),
                     Unit, B);
    return Most;
  case Write::Result: {
    if (!IsInteger)
      return nullptr;
    Value *Result = B.CreateBinaryIntrinsic(
        Intrinsic::smax, B.CreateSExtOrTrunc(&Call, B.getInt64Ty()), Zero);
    if (Kind == Write::Vectors)
      return Result;
    if (Kind == Write::Items)
      Result =
          B.CreateMul(Result, B.CreateZExtOrTrunc(Call.getArgOperand(Count - 1),
                                                  B.getInt64Ty()));
    return Least(inBytes(Result, Unit, B));
  }
  case Write::Text:
  case Write::Line: {
    // At null there is no string, whatever room it is said to have.
    Value *None = B.CreateIsNull(Place);
    if (Written == Write::Line && Call.getType()->isPointerTy())
      None = B.CreateOr(None, B.CreateIsNull(&Call));
    return StringIn(B.CreateSelect(None, Zero, Most));
  }
  case Write::End: {
    if (!Call.getType()->isPointerTy())
      return nullptr;
    Value *Bytes = B.CreateSub(B.CreatePtrToInt(&Call, B.getInt64Ty()),
                               B.CreatePtrToInt(Place, B.getInt64Ty()));
    return B.CreateSelect(B.CreateIsNull(&Call), Most, Bytes);
  }
  case Write::Done:
    if (!IsInteger)
      return nullptr;
    return B.CreateSelect(
        B.CreateICmpSLT(&Call, ConstantInt::get(Call.getType(), 0)), Zero,
        Most);
  }
  llvm_unreachable("an amount without a rule");
}

Value *WrittenRange::vectors(CallBase &Call, IRBuilderBase &B) const {
  // Which the system refuses.
  constexpr unsigned TooMany = 1024;
  Value *N = B.CreateZExtOrTrunc(Call.getArgOperand(Count), B.getInt64Ty());
  return B.CreateSelect(B.CreateICmpUGT(N, B.getInt64(TooMany)), B.getInt64(0),
                        N);
}

} // namespace perdure
