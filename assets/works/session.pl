#!/usr/bin/perl
# What a terminal shows in terminal.work and xft.work: a list of files, then for every line
# that is entered a build's log of 400 lines (or as many as its argument says), about a
# hundred a second, and a short answer.
# The same text in every run; needs no module, so that perl-base is enough.
use strict;
use warnings;

$| = 1;
my $lines = shift // 400;
my $state = 20_260_722;

# A number below the argument (Numerical Recipes' generator: products stay exact in 53 bits).
sub below { $state = ($state * 1_664_525 + 1_013_904_223) % 4_294_967_296; return int($state / 65_536) % $_[0] }
sub one_of { return $_[below(scalar @_)] }

my @parts = qw(alpha atlas basin bridge canvas carrier cipher cursor damage delta ember engine
    fabric filter frame gamma glyph harbor index input kernel ladder lattice ledger marker
    matrix mirror needle orbit packet palette parser pixel pointer prism quartz record region
    render ribbon sampler scanner screen sender shadow signal socket spline stream surface
    table tile timer token trace vector viewer window zenith);
my @places = qw(core codec draw input link net paint plan scene text util wire);

sub unit { return one_of(@places) . '/' . one_of(@parts) . '_' . one_of(@parts) }

sub build_line {
    my ($number) = @_;
    my $unit = unit();
    my $kind = below(20);
    my $percent = int(($number + 1) * 100 / $lines);
    return sprintf('[%3d%%] CC       build/%s.o', $percent, $unit) if $kind < 9;
    return sprintf('[%3d%%] CC -O2   build/%s.o  %5d functions, %6d bytes', $percent, $unit, 3 + below(90), 500 + below(90_000))
        if $kind < 12;
    return sprintf('[%3d%%] AR       build/lib%s.a', $percent, one_of(@parts)) if $kind < 13;
    return sprintf('[%3d%%] TEST     %-44s ok  (%d checks)', $percent, $unit, 1 + below(400)) if $kind < 16;
    return sprintf('src/%s.c:%d:%d: note: "%s" is used here before "%s" is checked', $unit, 1 + below(900), 1 + below(70),
        one_of(@parts), one_of(@parts)) if $kind < 18;
    return sprintf('%6d |     %s->%s = %s(%s, 0x%04x);', 1 + below(900), one_of(@parts), one_of(@parts), one_of(@parts),
        one_of(@parts), below(65_536)) if $kind < 19;
    return sprintf('       |     %s^%s', ' ' x below(30), '~' x (3 + below(12)));
}

print "A tree of sources:\n";
print sprintf("-rw-r--r-- 1 user user %7d  src/%s.c\n", 200 + below(90_000), unit()) for 1 .. 24;
print '$ ';
while (defined(my $line = <STDIN>)) {
    if ($line =~ /build/) {
        # Two lines at a time, so that a capture at 60 pictures a second sees every step.
        for my $pair (0 .. $lines / 2 - 1) {
            print build_line(2 * $pair) . "\n" . build_line(2 * $pair + 1) . "\n";
            select(undef, undef, undef, 0.02);
        }
    } else {
        print sprintf("%-28s %6d lines\n", unit(), below(3_000)) for 1 .. 5;
    }
    print '$ ';
}
