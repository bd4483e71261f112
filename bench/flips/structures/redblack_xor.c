/* The same by hand, without a word for the parent: each child is stored as the
   exclusive or of its address and the parent's, 0 where there is none; the root
   is its own parent. Which of two words leads up is told by the keys. */
#include "structure.h"

enum colour { Red, Black };
struct node {
  uintptr_t links[2]; /* left, right */
  uint64_t colour, key, value;
#ifdef FLIPS_NODE_BYTES
  char padding[FLIPS_NODE_BYTES - 40];
#endif
};
struct tree {
  struct node *root;
};

static void *make(uint64_t Keys) {
  (void)Keys;
  return take(sizeof(struct tree));
}

static struct node *child(struct node *N, bool Right,
                          const struct node *Parent) {
  uintptr_t Word = N->links[Right];
  return Word ? (struct node *)(Word ^ (uintptr_t)Parent) : NULL;
}

static void setChild(struct node *N, bool Right, const struct node *Child,
                     const struct node *Parent) {
  N->links[Right] = Child ? (uintptr_t)Child ^ (uintptr_t)Parent : 0;
}

static bool isRight(const struct node *Parent, const struct node *Child) {
  return Child->key > Parent->key;
}

/* The node itself for the root. */
static struct node *parentOf(struct node *N, const struct node *Child) {
  return (struct node *)(N->links[isRight(N, Child)] ^ (uintptr_t)Child);
}

/* From Old to New: whoever stood below Old stands below New. */
static void moveParent(struct node *N, const struct node *Old,
                       const struct node *New) {
  uintptr_t Changed = (uintptr_t)Old ^ (uintptr_t)New;
  for (int I = 0; I != 2; ++I)
    if (N->links[I])
      N->links[I] ^= Changed;
}

/* N, whose parent is Parent (itself for the root), and its child on the other
   side trade places. */
static void rotate(struct tree *T, struct node *N, bool ToRight,
                   struct node *Parent) {
  struct node *Up = child(N, !ToRight, Parent);
  struct node *Middle = child(Up, ToRight, N), *Outer = child(Up, !ToRight, N);
  struct node *Stays = child(N, ToRight, Parent);
  struct node *NewParent = Parent == N ? Up : Parent;
  if (Parent == N)
    T->root = Up;
  else /* its parent stays */
    Parent->links[isRight(Parent, N)] ^= (uintptr_t)N ^ (uintptr_t)Up;
  setChild(Up, ToRight, N, NewParent);
  setChild(Up, !ToRight, Outer, NewParent);
  setChild(N, !ToRight, Middle, Up);
  setChild(N, ToRight, Stays, Up);
  if (Middle)
    moveParent(Middle, Up, N);
}

/* N is red; its parent is Parent, and theirs Grand: themselves at the root. */
static void balance(struct tree *T, struct node *N, struct node *Parent,
                    struct node *Grand) {
  while (N != Parent && Parent->colour == Red) {
    /* Red, so no root. */
    struct node *Above = parentOf(Grand, Parent);
    bool Right = isRight(Grand, Parent);
    struct node *Uncle = child(Grand, !Right, Above);
    if (Uncle && Uncle->colour == Red) {
      Parent->colour = Uncle->colour = Black;
      Grand->colour = Red;
      N = Grand;
      Parent = Above;
      Grand = Parent == N ? N : parentOf(Parent, N);
      continue;
    }
    if (isRight(Parent, N) != Right) {
      rotate(T, Parent, Right, Grand);
      Parent = N;
    }
    Parent->colour = Black;
    Grand->colour = Red;
    rotate(T, Grand, !Right, Above);
    break;
  }
  if (T->root->colour != Black)
    T->root->colour = Black;
}

static bool insert(void *Root, struct item New) {
  struct tree *T = Root;
  struct node *Grand = NULL, *Parent = NULL, *At = T->root;
  while (At) {
    struct node *Above = Parent ? Parent : At;
    Grand = Above;
    Parent = At;
    At = child(At, New.key > At->key, Above);
  }
  struct node *N = take(sizeof *N);
  N->links[0] = N->links[1] = 0;
  N->colour = Red;
  N->key = New.key;
  N->value = New.value;
  if (!Parent) {
    T->root = N;
    Parent = Grand = N;
  } else {
    setChild(Parent, New.key > Parent->key, N, Grand);
  }
  balance(T, N, Parent, Grand);
  return true;
}

/* Upwards by the words that lead there, too: the way down is not remembered. */
static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  size_t Count = 0;
  struct node *N = ((struct tree *)Root)->root, *Parent = N;
  if (!N)
    return 0;
  for (struct node *Next; (Next = child(N, Backwards, Parent)); N = Next)
    Parent = N;
  while (Count < Most) {
    To[Count++] = (struct item){N->key, N->value};
    struct node *Below = child(N, !Backwards, Parent);
    if (Below) {
      Parent = N;
      N = Below;
      for (struct node *Next; (Next = child(N, Backwards, Parent)); N = Next)
        Parent = N;
      continue;
    }
    struct node *From;
    do {
      From = N;
      N = Parent;
      if (N == From)
        return Count; /* above the root */
      Parent = parentOf(N, From);
    } while (isRight(N, From) != Backwards);
  }
  return Count;
}

static const char *Wrong;

static unsigned check(struct node *N, struct node *Parent) {
  if (!N)
    return 1;
  if (N->colour == Red && N != Parent && Parent->colour == Red)
    Wrong = "a red node has a red child";
  struct node *Children[] = {child(N, false, Parent), child(N, true, Parent)};
  unsigned Blacks[2];
  for (int I = 0; I != 2; ++I) {
    if (Children[I] && parentOf(N, Children[I]) != Parent)
      Wrong = "a node does not lead to its parent";
    if (Children[I] && isRight(N, Children[I]) != (I == 1))
      Wrong = "a node is on the wrong side";
    Blacks[I] = check(Children[I], N);
  }
  if (Blacks[0] != Blacks[1])
    Wrong = "ways down have different numbers of black nodes";
  return Blacks[0] + (N->colour == Black);
}

static const char *broken(void *Root) {
  struct tree *T = Root;
  Wrong = NULL;
  if (T->root && T->root->colour != Black)
    Wrong = "the root is red";
  check(T->root, T->root);
  return Wrong;
}

const struct structure Structure = {
    .Make = make, .Insert = insert, .Walk = walk, .Broken = broken};
