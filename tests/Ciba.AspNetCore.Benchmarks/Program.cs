// dotnet run -c Release --project tests/Ciba.AspNetCore.Benchmarks -- --filter '*'
// dotnet run -c Release --project tests/Ciba.AspNetCore.Benchmarks -- callbacks [REDIS]
using BenchmarkDotNet.Running;
using Ciba.AspNetCore.Benchmarks;

if (args is ["callbacks", .. var rest])
{
    return await new CallbackLoad(rest.FirstOrDefault()).RunAsync();
}

BenchmarkSwitcher.FromAssembly(typeof(EndpointBenchmarks).Assembly).Run(args);
return 0;
