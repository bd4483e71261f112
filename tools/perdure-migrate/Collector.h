//===- Collector.h - Writes down what a syntax tree says --------*- C++ -*-===//
//
// Two mappings carry it: `place`, from an expression that names memory to that
// memory's node, and `target`, from one whose value is a pointer to the node of
// what it leads to. Assignments, arguments, results and initialisers unify the
// targets of both sides. `void *` keeps what it leads to; a pointer to bytes or to a
// record does not lead to pointers. Allocation functions give new memory at each
// call; the functions of C that copy, sort or search say what they connect.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_MIGRATE_COLLECTOR_H
#define PERDURE_MIGRATE_COLLECTOR_H

#include "Owners.h"
#include "Program.h"
#include "Sources.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/ExprCXX.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "llvm/Support/SaveAndRestore.h"

namespace perdure::migrate {

class Collector : public clang::RecursiveASTVisitor<Collector> {
public:
  Collector(clang::ASTContext &Context, Program &P, Sources &S)
      : Context(Context), P(P), G(P.G), S(S),
        IsCxx(Context.getLangOpts().CPlusPlus), Owned(Context, S) {}

  bool shouldVisitTemplateInstantiations() const { return false; }
  bool shouldVisitImplicitCode() const { return false; }

  bool TraverseFunctionDecl(clang::FunctionDecl *F) {
    llvm::SaveAndRestore Inside(Function, F);
    return RecursiveASTVisitor::TraverseFunctionDecl(F);
  }
  bool TraverseCXXMethodDecl(clang::CXXMethodDecl *F) {
    llvm::SaveAndRestore Inside(Function, static_cast<clang::FunctionDecl *>(F));
    return RecursiveASTVisitor::TraverseCXXMethodDecl(F);
  }
  bool TraverseLambdaExpr(clang::LambdaExpr *L) {
    llvm::SaveAndRestore Inside(Function,
                                static_cast<clang::FunctionDecl *>(L->getCallOperator()));
    return RecursiveASTVisitor::TraverseLambdaExpr(L);
  }

  // Declarations.cpp: functions, variables, typedefs.
  bool VisitFunctionDecl(clang::FunctionDecl *F);
  bool VisitVarDecl(clang::VarDecl *V);
  bool VisitForStmt(clang::ForStmt *F);
  bool VisitTypedefNameDecl(clang::TypedefNameDecl *T);
  bool VisitFieldDecl(clang::FieldDecl *F);
  bool VisitTagDecl(clang::TagDecl *T);
  // Records.cpp: records and their fields.
  bool VisitRecordDecl(clang::RecordDecl *R);
  // Flow.cpp: which places hold the same pointers.
  bool VisitBinaryOperator(clang::BinaryOperator *B);
  bool VisitReturnStmt(clang::ReturnStmt *Return);
  bool VisitCallExpr(clang::CallExpr *Call);
  // Memory.cpp: calls that allocate, free, copy, set or compare.
  bool VisitDeclRefExpr(clang::DeclRefExpr *Ref);
  bool VisitCXXNewExpr(clang::CXXNewExpr *New);
  // Casts.cpp: pointers that become something else.
  bool VisitCastExpr(clang::CastExpr *C);

private:
  // Declarations.cpp
  std::string keyOf(const clang::NamedDecl *D);
  Node *nodeOf(const clang::ValueDecl *D);
  bool isOurs(const clang::Decl *D) { return !S.isSystem(D->getLocation()); }
  void addParameter(clang::FunctionDecl *F, clang::ParmVarDecl *Param);
  void declare(clang::DeclaratorDecl *D, Node *N, std::string What);

  // Records.cpp
  std::string recordKey(const clang::RecordDecl *R);
  std::string usrOf(const clang::RecordDecl *R);
  Field field(const clang::FieldDecl *F);
  Field base(const clang::CXXBaseSpecifier &B, const clang::RecordDecl *Base);
  /// Says of a field which record it leads to or holds.
  void reach(Field &Fact, const clang::RecordDecl *R);
  /// A table of functions: it points to code, and to nothing else.
  bool isTable(const clang::RecordDecl *R);
  bool holdsPointers(const clang::RecordDecl *R);
  /// Is the first member of Outer an Inner, or starts with one?
  bool startsWith(const clang::RecordDecl *Outer, const clang::RecordDecl *Inner);

  // Spellings.cpp: types as they are spelled.
  struct Spelled {
    /// Outermost first.
    llvm::SmallVector<std::pair<clang::PointerTypeLoc, Node *>, 4> Stars;
    std::vector<Node *> Outer;
    clang::TypeLoc Base;
    Node *BaseNode = nullptr;
  };
  /// Follows a type from the outside in, beside the nodes that hold such pointers.
  Spelled walk(clang::TypeLoc TL, Node *N);
  /// What the typedef of a pointer, an array or a function says holds for all
  /// that have the type.
  void link(clang::QualType T, Node *N);
  void likeExpr(const clang::Expr *E, Node *N);
  /// A place that would hold the value.
  Node *valueNode(const clang::Expr *E);
  /// What an alias calls the base. Macro: where one spells it, and nothing else.
  void setBase(Shape &Into, clang::QualType T, clang::SourceLocation Macro = {});
  llvm::StringRef tokenAt(clang::SourceLocation Loc);
  /// The shape of a type whose spelling does not matter.
  Shape shapeOf(clang::QualType T, Node *Self);
  /// Writes a spelled type down. IsValue: the outermost star is no place.
  Spelling *addSpelling(const Spelled &W, bool IsValue, clang::SourceLocation Loc,
                        std::string What);
  /// Finds its parts in the file, or says why it cannot be edited.
  void locate(Spelling &Sp, const Spelled &W, clang::SourceRange Written,
              clang::QualType BaseType, llvm::ArrayRef<clang::SourceLocation> Stars);
  void addAlias(clang::TypedefNameDecl *T, const Spelled &W);
  void declareParam(clang::ParmVarDecl *Param, Node *Slot);
  void finishDeclarator(Spelling &Sp, clang::DeclaratorDecl *D, const Spelled &W);

  // Flow.cpp
  Node *place(const clang::Expr *E);
  Node *target(const clang::Expr *E);
  Node *findPlace(const clang::Expr *E);
  Node *findTarget(const clang::Expr *E);
  /// The place that would hold a call's result.
  Node *resultOf(const clang::CallExpr *Call);
  Node *calleeOf(const clang::CallExpr *Call);
  Node *callTarget(const clang::CallExpr *Call);
  /// An explicit cast has a spelled type; what kinds of pointers have to do with
  /// each other is decided here.
  Node *castType(const clang::CastExpr *C, Node *From);
  /// Do pointers of the two types lead to the same pointers?
  bool related(clang::QualType From, clang::QualType To, clang::CastKind Kind);
  void initialise(Node *N, clang::QualType T, const clang::Expr *Init);

  // Memory.cpp
  bool memoryCall(clang::CallExpr *Call, const clang::FunctionDecl *F);
  /// Is the size that of a number of elements, as far as it tells?
  bool isMultiple(const clang::Expr *Size, clang::QualType Element);
  /// The record that the result is a pointer to, by the casts around it.
  std::string madeRecord(const clang::CallExpr *Call);
  void allocation(const clang::CallExpr *Call, const clang::FunctionDecl *F);
  bool isSystemFree(const clang::FunctionDecl *F);

  // Casts.cpp
  /// What may be written before and behind the expression.
  bool rangeOf(const clang::Expr *E, std::string &File, unsigned &Begin,
               unsigned &End);
  void addPun(const clang::CastExpr *C, const clang::RecordDecl *F,
              const clang::RecordDecl *T);
  void addNumber(const clang::CastExpr *C);
  /// A test of low bits and a tag mean the same everywhere.
  bool isLowBits(const clang::CastExpr *C);

  clang::ASTContext &Context;
  Program &P;
  Graph &G;
  Sources &S;
  bool IsCxx;
  Owners Owned;
  clang::FunctionDecl *Function = nullptr;
  llvm::DenseMap<const clang::Expr *, Node *> Places, Targets;
  llvm::DenseMap<const clang::Expr *, const clang::FunctionDecl *> Argument;
  llvm::DenseMap<const clang::Expr *, Place> Calls;
  llvm::DenseSet<const clang::Decl *> InForHead;
  llvm::DenseSet<const clang::Expr *> Callees;
};

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_COLLECTOR_H
