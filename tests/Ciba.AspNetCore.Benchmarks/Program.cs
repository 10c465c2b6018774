// dotnet run -c Release --project tests/Ciba.AspNetCore.Benchmarks -- --filter '*'
using BenchmarkDotNet.Running;
using Ciba.AspNetCore.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(EndpointBenchmarks).Assembly).Run(args);
